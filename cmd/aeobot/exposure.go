package main

import (
	"net/http"

	"aeobot/bot/console/login"
	"aeobot/configs"
)

// besideCallbacks is why the console is closed without a login where the platform calls:
// something lets strangers in there.
const besideCallbacks = "这里没有设登录，又配置了企业微信回调，别处的人能访问到这个地址，所以不开。"

// thisMachine refuses what shows that it does not come from this machine. Not everything does:
// a proxy here can make everybody look local. What strangers may not have needs a secret, too.
func thisMachine(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sign := login.Elsewhere(r); sign != "" {
			http.Error(w, "这里只在本机打开，而这个请求不是直接从本机来的（"+sign+"）。请在这台机器上用 http://127.0.0.1:端口/ 打开，不经代理。", http.StatusForbidden)
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
	toLink    = audience{"this machine, with the link on standard output", "只有本机，用 serve 启动时印出来的链接"}
	toMachine = audience{"this machine; a proxy on it that hides itself is not seen", "只有本机；看得出经过代理的不开，但代理可以不露痕迹"}
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
	console := at("console.listen", c.Console.Listen, "/console/", toLink)
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
