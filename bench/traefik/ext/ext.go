// Package ext stands in for the package of the same name, where a vendor of Traefik adds settings of its own. Traefik's source has
// it beside the module, so no module proxy has it; there are no settings to add here.
package ext

// HTTP adds nothing to the routers, services and middlewares of one provider.
type HTTP struct{}

// DeepCopyInto has nothing to copy.
func (h *HTTP) DeepCopyInto(*HTTP) {}

// Router adds nothing to a router.
type Router struct{}

// DeepCopyInto has nothing to copy.
func (r *Router) DeepCopyInto(*Router) {}
