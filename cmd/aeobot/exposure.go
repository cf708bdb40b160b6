package main

import (
	"log/slog"
	"net/http"
	"sync/atomic"

	"aeobot/bot/console/login"
	"aeobot/configs"
)

// exposure knows whether a listener is reached from elsewhere than this machine. What has
// no login stands behind it. A reverse proxy can make everybody look local, and only some
// of its requests show it, so one that does closes what is open until the program starts
// again.
type exposure struct {
	log *slog.Logger
	// callbacks: the platform calls here, so that something lets strangers in.
	callbacks bool
	sign      atomic.Pointer[string] // of the first request from elsewhere
}

// watch looks at every request of a listener.
func (e *exposure) watch(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sign := login.Elsewhere(r); sign != "" && e.sign.CompareAndSwap(nil, &sign) {
			e.log.Info("requests come from elsewhere or through a proxy; nothing without a login is open here until a restart", slog.String("sign", sign))
		}
		h.ServeHTTP(w, r)
	})
}

// closed says to people why what has no login is closed; empty: it is open to this machine.
func (e *exposure) closed() string {
	if e.callbacks {
		return "这里没有设登录，又配置了企业微信回调，别处的人能访问到这个地址，所以不开。"
	}
	if sign := e.sign.Load(); sign != nil {
		return "这里没有设登录，而这个地址已经收到过不是直接从本机来的请求（" + *sign + "），前面可能有代理，所以关上了，重启前不再开。"
	}
	return ""
}

// thisMachine serves this machine while nobody else has been seen.
func (e *exposure) thisMachine(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if why := e.closed(); why != "" {
			http.Error(w, why+"请停掉前面的代理再重启，只在本机打开。", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// audience is who may see what stands at a path, for the log and for people.
type audience struct{ english, chinese string }

// The audiences there are.
var (
	toAll     = audience{"whoever reaches the address", "能连到这个地址的人"}
	toSigned  = audience{"whoever signs with the token", "谁都能，验过签名才处理"}
	toMembers = audience{"whoever logs in", "登录的人"}
	toMachine = audience{"this machine, until a request comes from elsewhere or through a proxy", "只有本机（一见到代理或别的机器来访就关，重启前不再开）"}
	toNobody  = audience{"nobody: callbacks are configured and no login is set; set console.password or console.listen", "没有人（配置了回调又没有设登录；要用就设 console.password，或设 console.listen 单独在本机开）"}
)

// opening is what an address serves, and to whom.
type opening struct {
	key, address, path string // key is the setting of the address
	to                 audience
}

// openings are all that serve answers with these settings.
func openings(c configs.Config) []opening {
	at := func(key, listen, path string, to audience) opening {
		if listen == "" || listen == c.Listen {
			key, listen = "listen", c.Listen
		}
		return opening{key, listen, path, to}
	}
	console := at("console.listen", c.Console.Listen, "/console/", toMachine)
	switch {
	case c.Login():
		console.to = toMembers
	case console.address == c.Listen && c.WeCom.Callbacks():
		console.to = toNobody
	}
	all := []opening{console, at("metrics.listen", c.Metrics.Listen, "/metrics", toAll), at("listen", "", "/healthz, /readyz", toAll)}
	if c.WeCom.Callbacks() {
		all = append(all, at("listen", "", "/wecom/", toSigned))
	}
	if !configured(c) {
		all = append(all, at("listen", "", "/", toMachine))
	}
	return all
}
