// Package auth stands in for the package of the same name, of which Traefik uses a copy of its own that the module proxy withholds.
// It checks passwords where a middleware asks for them; the benchmarks have no such middleware, so here everybody is refused.
package auth

import "net/http"

// BasicAuth refuses everybody.
type BasicAuth struct {
	Realm   string
	Secrets func(user, realm string) string
}

// RequireAuth refuses.
func (a *BasicAuth) RequireAuth(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusUnauthorized)
}

// CheckSecret finds no password right.
func CheckSecret(_, _ string) bool {
	return false
}

// DigestAuth refuses everybody.
type DigestAuth struct{}

// NewDigestAuthenticator gives one.
func NewDigestAuthenticator(string, func(user, realm string) string) *DigestAuth {
	return &DigestAuth{}
}

// CheckAuth knows nobody.
func (a *DigestAuth) CheckAuth(*http.Request) (string, *string) {
	return "", nil
}

// RequireAuth refuses.
func (a *DigestAuth) RequireAuth(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusUnauthorized)
}

// RequireAuthStale refuses.
func (a *DigestAuth) RequireAuthStale(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusUnauthorized)
}

// DigestAuthParams finds nothing.
func DigestAuthParams(string) map[string]string {
	return nil
}
