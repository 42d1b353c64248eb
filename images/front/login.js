// The URL that a visitor wanted, escaped as a value of the login page's own query.
function wanted(request) {
    const of = request.variables;
    return encodeURIComponent(`${of.visitor_scheme}://${of.host}${of.is_request_port}${of.request_port}${of.request_uri}`);
}

export default { wanted };
