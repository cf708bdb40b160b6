package login

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"
)

// The cookies of this package.
const (
	cookieSession = "aeobot"
	cookieDevice  = "aeobot-device"
	cookieState   = "aeobot-oauth" // and which, see stateCookie
)

// loopback tells whether host:port or host is this machine's.
func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// forwarding are the headers by which proxies and content networks show themselves, by a
// part of their names in lower case.
var forwarding = []string{"forwarded", "proxy", "real-ip", "client-ip", "clientip", "connecting-ip", "user-ip", "remote-ip", "remote-addr", "original-", "originating-", "via", "cdn-", "cf-", "envoy-", "x-amzn-", "x-azure-"}

// forwardedBy is the header by which a proxy shows itself; empty: there is none.
func forwardedBy(h http.Header) string {
	for name := range h {
		low := strings.ToLower(name)
		for _, part := range forwarding {
			if strings.HasPrefix(low, part) || strings.Contains(low, "-"+part) {
				return name
			}
		}
	}
	return ""
}

// local tells whether a request comes from this machine, for this machine. The connection
// decides and not what a header says. Host is looked at against DNS rebinding: a page
// elsewhere whose name was made to mean 127.0.0.1 still sends its name. What came through
// a proxy comes from somewhere else.
func local(r *http.Request) bool {
	return forwardedBy(r.Header) == "" && loopback(r.RemoteAddr) && loopback(r.Host)
}

// Elsewhere names what shows that a request does not come from this machine, or not
// without a proxy; empty: nothing does. It repeats no value that a client sent.
//
// A plain reverse proxy on this machine sends what its clients sent, in HTTP/1.0 (nginx)
// and with a Host of this machine, which a browser's Origin or Referer contradicts. A page
// of another site contradicts it, too, but its browser says so in Sec-Fetch-Site.
func Elsewhere(r *http.Request) string {
	switch name := forwardedBy(r.Header); {
	case name != "":
		return name
	case !loopback(r.RemoteAddr):
		return "remote address"
	case !loopback(r.Host):
		return "Host"
	case !r.ProtoAtLeast(1, 1):
		return "HTTP/1.0"
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return ""
	}
	for _, name := range []string{"Origin", "Referer"} {
		if u, err := url.Parse(r.Header.Get(name)); err != nil || u.Host != "" && !strings.EqualFold(u.Host, r.Host) {
			return name
		}
	}
	return ""
}

// plain tells whether the browser sees a plain address of this machine, where it would
// refuse a Secure cookie or one called __Host-. Everywhere else cookies are Secure; a
// header can only make them so.
func plain(r *http.Request) bool { return r.TLS == nil && local(r) }

// insecure tells whether the browser seems to have come without TLS and not on this
// machine: it will not keep a Secure cookie then. A proxy that does not tell makes it so,
// too, hence only a hint depends on it.
func insecure(r *http.Request) bool {
	return r.TLS == nil && !plain(r) && r.Header.Get("X-Forwarded-Proto") != "https"
}

// https reports whether people reach the console by https: its address says so, or a proxy
// that we were told of.
func (g *Guard) https(r *http.Request) bool {
	return r.TLS != nil || strings.HasPrefix(g.o.BaseURL, "https:") || g.throughProxy(r) && r.Header.Get("X-Forwarded-Proto") == "https"
}

// cookieName is what browsers know a cookie as. __Host- has them refuse it from other
// hosts of the domain, and for parts of the site.
func cookieName(r *http.Request, name string) string {
	if plain(r) {
		return name + "-local"
	}
	return "__Host-" + name
}

func (g *Guard) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(cookieName(r, name))
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie keeps a value in the browser for a time; a negative one takes it away.
//
// SameSite is Lax and not Strict: who comes back from WeCom, or follows a link in a chat,
// comes from another site, and would find themselves logged out.
func (g *Guard) setCookie(w http.ResponseWriter, r *http.Request, name, value string, life time.Duration) {
	age := int(life / time.Second)
	if life < 0 {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName(r, name), Value: value, Path: "/", MaxAge: age,
		HttpOnly: true, Secure: !plain(r), SameSite: http.SameSiteLaxMode})
}

// address is where a client is, for counting its guesses: the other end of the connection,
// or, when that is a proxy we were told of, what the last proxy we were not told of is
// said to be.
func (g *Guard) address(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := peer.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && g.proxy(addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap().WithZone("")
	}
	if addr.Is6() { // a single customer has a network of them
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}

// throughProxy reports whether a request comes from a proxy that we were told of.
func (g *Guard) throughProxy(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && g.proxy(peer.Addr().Unmap().WithZone(""))
}

func (g *Guard) proxy(a netip.Addr) bool {
	for _, p := range g.o.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// maxNext bounds where a login leads, in bytes.
const maxNext = 1024

// safeNext gives where to go after a login: a page of the console, never another site,
// whatever browsers make of slashes and backslashes, and never back to the login.
func safeNext(next string) string {
	u, err := url.Parse(next)
	if err != nil || len(next) > maxNext || !strings.HasPrefix(next, home) || u.Scheme != "" || u.Host != "" || u.User != nil {
		return home
	}
	clean := path.Clean(u.Path)
	if strings.HasSuffix(u.Path, "/") {
		clean += "/"
	}
	if clean != u.Path || strings.ContainsFunc(next, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '\\' }) {
		return home
	}
	for _, own := range []string{loginPath, logoutPath, oauthPath} {
		if u.Path == own || strings.HasPrefix(u.Path, own+"/") {
			return home
		}
	}
	u.Fragment, u.RawFragment = "", ""
	if next = u.String(); len(next) > maxNext { // what had to be escaped takes more room
		return home
	}
	return next
}

// withoutToken is an address without the local token.
func withoutToken(u *url.URL) string {
	query := u.Query()
	query.Del("token")
	return (&url.URL{Path: u.Path, RawQuery: query.Encode()}).String()
}

// nextQuery is the query by which the login page knows where to go on.
func nextQuery(next string) string {
	if next = safeNext(next); next == home {
		return ""
	}
	return "?next=" + url.QueryEscape(next)
}
