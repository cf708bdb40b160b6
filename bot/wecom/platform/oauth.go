package platform

import (
	"crypto/rand"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// loginCode is what a member comes back from the login with.
type loginCode struct {
	user  string // empty: somebody who is no member
	until time.Time
}

// loginLife is how long a code is good, once (91023).
const loginLife = 5 * time.Minute

// NewLoginCode gives a code as the login gives it to a member's browser, who is about to
// be known by it. An empty user is somebody who is no member.
func (c *Corp) NewLoginCode(user string) string {
	code := "code-" + rand.Text()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.logins[code] = loginCode{user, time.Now().Add(loginLife)}
	return code
}

// ExpireLogins lets every code given so far be too old.
func (c *Corp) ExpireLogins() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for code, l := range c.logins {
		l.until = time.Time{}
		c.logins[code] = l
	}
}

// userInfo tells whose code it is.
func (c *Corp) userInfo(r *http.Request, _ []byte) (int, map[string]any) {
	code := r.URL.Query().Get("code")
	c.mu.Lock()
	l, known := c.logins[code]
	delete(c.logins, code)
	c.mu.Unlock()
	switch {
	case !known || !time.Now().Before(l.until):
		return apiBadLogin, nil
	case l.user == "":
		return apiOK, map[string]any{"openid": "oSimulated" + rand.Text()[:8]}
	}
	return apiOK, map[string]any{"userid": l.user, "user_ticket": rand.Text()}
}

// Login is the platform's page that sends a member who is logged in there on to an
// application, with a code. The real one does so without asking, for whoever holds the
// phone; here it is asked who that is, unless the address says so (as=lin.yue).
type Login struct {
	API *API
	// Trusted are the hosts that codes may be sent to: an application's trusted domain.
	//
	// default: any on this machine
	Trusted []string
	// Members are who may hold the phone.
	//
	// default: those of the stand-in company
	Members []Member
}

// companyMembers are those of a company nobody described.
var companyMembers = []Member{{"lin.yue", "林悦"}, {"wang.qiang", "王强"}, {"chen.jing", "陈静"}}

var loginTemplate = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="zh-CN">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>模拟的企业微信登录</title></head>
<body>
<h1>模拟的企业微信登录</h1>
<p>真的企业微信不会问，直接以手机的主人登录到 {{.Host}}。</p>
<ul>{{range .Choices}}
<li><a href="{{.Address}}">{{.Name}}</a></li>{{end}}
</ul>
</body>
</html>
`))

// ServeHTTP is GET /connect/oauth2/authorize.
func (l *Login) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	corp := l.API.find(q.Get("appid"))
	back, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case corp == nil || q.Get("response_type") != "code" || q.Get("scope") != "snsapi_base" || len(q.Get("state")) > 128:
		http.Error(w, "参数不对", http.StatusBadRequest)
		return
	case err != nil || !l.trusts(back):
		http.Error(w, "50001 redirect_uri 需使用应用可信域名", http.StatusForbidden)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	if q.Has("as") {
		http.Redirect(w, r, withCode(*back, corp.NewLoginCode(q.Get("as")), q.Get("state")), http.StatusFound)
		return
	}
	type choice struct{ Name, Address string }
	var choices []choice
	for _, m := range append(l.members(), Member{Name: "企业外的人"}) {
		as := r.URL.Query()
		as.Set("as", m.ID)
		choices = append(choices, choice{strings.TrimSpace(m.Name + " " + m.ID), r.URL.Path + "?" + as.Encode()})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = loginTemplate.Execute(w, map[string]any{"Host": back.Host, "Choices": choices}) // the browser may have gone
}

func (l *Login) members() []Member {
	if l.Members == nil {
		return companyMembers[:len(companyMembers):len(companyMembers)]
	}
	return l.Members[:len(l.Members):len(l.Members)]
}

func (l *Login) trusts(back *url.URL) bool {
	if back.Scheme != "https" && back.Scheme != "http" || back.User != nil {
		return false
	}
	for _, host := range l.Trusted {
		if back.Hostname() == host {
			return true
		}
	}
	return len(l.Trusted) == 0 && onThisMachine(back.Host)
}

// withCode is where the browser goes on.
func withCode(back url.URL, code, state string) string {
	q := back.Query()
	q.Set("code", code)
	q.Set("state", state)
	back.RawQuery = q.Encode()
	return back.String()
}
