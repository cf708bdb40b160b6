package login

import (
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
)

// What people read.
const (
	textWrong     = "名字或密码不对。"
	textSlow      = "试得太多了，请 %d 秒后再试。"
	textGuessed   = "这个名字在很多地方被试过密码。用以前登录过的浏览器登录不用等；经企业微信登录也不用等。"
	textBusy      = "正在登录的人太多，请过几秒再试。"
	textForeign   = "这个请求不是从维护台的页面发出的，没有执行。请在维护台里重新操作。"
	textStale     = "页面已经过期，没有执行。请返回、刷新页面后再提交一次。"
	textForm      = "没能读懂提交的内容，没有执行。请返回再试。"
	textLarge     = "提交的内容超过 %d MB，没有执行。"
	textRole      = "这里需要“%s”的权限，你现在是“%s”。请联系管理员。"
	textExpired   = "登录已过期，没有执行，内容没有保存。请重新登录，再回到原来的页面刷新后提交。"
	textAway      = "存储现在连不上，无法确认登录，所以什么都没有执行。机器人照常答题；请稍后再试，或请管理员看 /readyz。"
	textUnknown   = "登录的设置现在读不了，不知道谁可以进来，所以什么都没有执行。机器人照常答题；请管理员看日志里的原因，改好设置后几秒内恢复。"
	textNobody    = "现在一个帐号都没有，谁都不能登录。请管理员用 aeobot console account 建帐号写进 console.accounts。"
	textLocalOnly = "维护台还没有设登录方式，只在运行它的这台机器上用启动时印出来的链接打开，不经代理。"
	textToken     = "打开维护台要用启动 aeobot serve 时印出来的链接：在那个终端里找“维护台”那一行，打开里面的 http://127.0.0.1:端口/console/?token=…。每次启动换一个。"
	textSetLogin  = "要让别人或别的机器打开维护台，请设 console.password（AEOBOT_CONSOLE_PASSWORD），或用 aeobot console account 建帐号写进 console.accounts，" +
		"或设 console.base_url 用企业微信登录；只在这台机器上用，就设 console.listen（AEOBOT_CONSOLE_LISTEN），如 127.0.0.1:8081。改完重启。"
	textState    = "这次企业微信登录已失效：要从本页开始，几分钟内完成，而且只能用一次。请重新登录。"
	textCode     = "企业微信没有确认你的身份，登录码可能用过或过期了。请重新登录；一直不行请联系管理员。"
	textNoMember = "只有本企业的成员能登录。"
	textNoRole   = "成员 %s 没有维护台的权限。请管理员把它加进 console.admins、curation.coordinators 或 console.readers。"
)

//go:embed login.html
var files embed.FS

var templates = template.Must(template.ParseFS(files, "login.html"))

// loginPage is what the login page shows.
type loginPage struct {
	Name, Next, Error string

	// Password tells whether there are accounts; Names whether there are others than admin.
	Password, Names bool
	// OAuth is where a login through WeCom begins; WeCom whether this is its browser.
	OAuth    string
	WeCom    bool
	Insecure bool
}

// refusal is why a request is not served, as people read it.
type refusal struct {
	status int
	text   string
	again  bool   // whether to offer the login
	person Person // who was refused, when that is known
}

func (r refusal) Error() string { return http.StatusText(r.status) }

func (g *Guard) renderLogin(w http.ResponseWriter, r *http.Request, status int, p loginPage) {
	now := g.inForce.Load()
	p.Password = len(now.byName) > 0
	p.Names = len(now.byName) > 1 || !now.has(AdminName)
	p.OAuth, p.Insecure = g.startAddress(p.Next), insecure(r)
	if !p.Password && p.OAuth == "" {
		p.Error = textNobody
	}
	p.WeCom = strings.Contains(r.UserAgent(), "wxwork")
	if !namePattern.MatchString(p.Name) {
		p.Name = ""
	}
	g.render(w, status, "login", p)
}

func (g *Guard) renderRefusal(w http.ResponseWriter, why refusal) {
	g.render(w, why.status, "refusal", struct {
		Text   string
		Login  string
		Person Person
	}{why.text, map[bool]string{true: loginPath}[why.again], why.person})
}

func (g *Guard) render(w http.ResponseWriter, status int, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if err := templates.ExecuteTemplate(w, name, data); err != nil {
		g.o.Log.Debug("console: page not written", slog.Any("error", err)) // mostly because nobody waits any more
	}
}
