// The response of the sample web service: facts about itself and the request.

function facts(r) {
    const headers = Object.create(null);
    r.rawHeadersIn.forEach((header) => {
        const name = header[0];
        headers[name] = name in headers ? headers[name] + ', ' + header[1] : header[1];
    });
    return {
        host: r.variables.docker_host,
        container: r.variables.hostname,
        address: r.variables.server_addr,
        headers: headers,
    };
}

function send(r, type, text) {
    r.headersOut['Content-Type'] = type + '; charset=utf-8';
    r.headersOut['Cache-Control'] = 'no-store';
    r.return(200, text);
}

function escape(text) {
    return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}

// A stable colour for each container, distant from its neighbour's, so that people see which one responded.
function hue(name) {
    let sum = 0;
    for (let i = 0; i < name.length; i++) {
        sum = (sum * 31 + name.charCodeAt(i)) % 360;
    }
    return (sum * 137) % 360;
}

function row(name, value) {
    return '<tr><th scope="row">' + escape(name) + '</th><td>' + escape(value) + '</td></tr>';
}

const style = `
:root { color-scheme: light dark; --paper: #f6f6f4; --card: #fff; --ink: #1c1c1a; --quiet: #6a6a64; --line: #e4e4df; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #161617; --card: #202022; --ink: #ececea; --quiet: #a0a09a; --line: #343437; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 6vh 1rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 44rem; margin: 0 auto; }
header { border-left: .5rem solid var(--accent); padding: .1rem 0 .1rem 1rem; margin-bottom: 1.5rem; }
h1 { margin: 0; font-size: clamp(1.6rem, 6vw, 2.4rem); line-height: 1.2; overflow-wrap: anywhere; }
header p { margin: .2rem 0 0; color: var(--quiet); }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .4rem 1rem; margin-bottom: 1rem; }
h2 { margin: .6rem 0 .2rem; font-size: .85rem; font-weight: 600; color: var(--quiet); }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
tr + tr { border-top: 1px solid var(--line); }
th, td { padding: .45rem 0; text-align: left; vertical-align: top; font-weight: 400; overflow-wrap: anywhere; }
th { width: 34%; padding-right: 1rem; color: var(--quiet); }
td { font-family: ui-monospace, monospace; font-size: .9rem; }
footer { color: var(--quiet); font-size: .9rem; }
a { color: inherit; }
`;

function page(r) {
    const known = facts(r);
    const headers = Object.keys(known.headers).map((name) => row(name, known.headers[name])).join('');
    r.headersOut['Content-Security-Policy'] = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";
    send(r, 'text/html', `<!doctype html>
<html lang="en" style="--accent: hsl(${hue(known.host + known.container)} 65% 50%)">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${escape(known.container)}</title>
<style>${style}</style>
</head>
<body>
<main>
<header><h1>${escape(known.container)}</h1><p>on ${escape(known.host)} answered this request. Reload to meet the next one.</p></header>
<section><h2>Where it runs</h2>
<table>${row('Host', known.host)}${row('Container', known.container)}${row('Address', known.address)}</table></section>
<section><h2>Headers of the request</h2>
<table>${headers}</table></section>
<footer>The same as <a href="/json">JSON</a>.</footer>
</main>
</body>
</html>
`);
}

function json(r) {
    send(r, 'application/json', JSON.stringify(facts(r), null, 2) + '\n');
}

export default { page, json };
