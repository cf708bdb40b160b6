package platform

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Mistakes are what may be set wrong in WeCom's admin console. Each does to the bot what it
// does at the real platform: most often nothing arrives, and nobody says so. A nil Mistakes
// has none.
type Mistakes struct {
	mu sync.Mutex
	on map[string]bool
}

// Names of mistakes.
const (
	mistakeMember     = "not-a-member"
	mistakePermission = "extra-permission"
	mistakeGroup      = "external-group"
	mistakeURL        = "wrong-url"
	mistakeRenamed    = "renamed"
	mistakeService    = "kf-through-app"
	mistakePrivilege  = "kf-not-granted"
	mistakeDuty       = "servicer-on-duty"
	mistakeVerified   = "not-verified"
)

// mistakes are all that there are, as the page names them.
var mistakes = []struct{ Name, Title string }{
	{mistakeMember, "智能机器人：“可使用的成员”里没有最后一位成员"},
	{mistakePermission, "智能机器人：多给了权限（只听创建者、第一位成员的）"},
	{mistakeGroup, "智能机器人：这个群是外部群"},
	{mistakeURL, "各产品：回调的 URL 填错了"},
	{mistakeRenamed, "智能机器人：在后台改名为“" + renamedTo + "”"},
	{mistakeService, "微信客服：事件发到自建应用的 URL（2023年12月以后的企业）"},
	{mistakePrivilege, "微信客服：没有在“通过API管理微信客服账号”里勾选账号"},
	{mistakeDuty, "微信客服：有接待人员在岗"},
	{mistakeVerified, "企业没有认证"},
}

// renamedTo is what the bot is called after it was renamed.
const renamedTo = "海关政策百科"

// MistakeNames are the names that Set takes.
func MistakeNames() (names []string) {
	for _, m := range mistakes {
		names = append(names, m.Name)
	}
	return names
}

// ErrMistake is returned for a mistake that there is not.
var ErrMistake = errors.New("platform: no such mistake")

// Set makes a mistake, or mends it.
func (m *Mistakes) Set(name string, on bool) error {
	if m == nil || !slices.Contains(MistakeNames(), name) {
		return fmt.Errorf("%w: %q; there are %s", ErrMistake, name, strings.Join(MistakeNames(), ", "))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.on == nil {
		m.on = map[string]bool{}
	}
	m.on[name] = on
	return nil
}

// is reports whether a mistake is made.
func (m *Mistakes) is(name string) bool {
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.on[name]
}

// callName is how members call the bot.
func (c *Chat) callName() string {
	if c.o.Mistakes.is(mistakeRenamed) {
		return renamedTo
	}
	return c.o.BotName
}

// reaches reports whether what a member does in a chat gets to the bot at all. What does
// not looks to the member as if it did.
func (c *Chat) reaches(chat, member string) bool {
	m, kind := c.o.Mistakes, room(chat)
	aibot := kind == roomGroup || kind == roomSingle
	switch {
	case m.is(mistakeURL) && !(aibot && c.o.Gateway != nil):
		return false
	case !aibot:
		return true
	case m.is(mistakeGroup) && kind == roomGroup, m.is(mistakePermission) && member != c.o.Members[0].ID:
		return false
	}
	return !m.is(mistakeMember) || member != c.o.Members[len(c.o.Members)-1].ID
}

// notTaken is what the admin console says when the check of an URL fails.
const notTaken = "openapi回调地址请求不通过"

// checkURL is what happens when somebody presses 保存 in the admin console: the platform
// asks the URL to decrypt a number (pages 90238, 101033).
func (c *Chat) checkURL(ctx context.Context, e *Endpoint) error {
	to := e.URL
	if c.o.Mistakes.is(mistakeURL) {
		to += "/tpyo"
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	echo := strconv.FormatInt(time.Now().UnixNano(), 10)
	sealed, err := e.Codec.Seal([]byte(echo), strconv.FormatInt(time.Now().Unix(), 10), rand.Text())
	if err != nil {
		return err
	}
	query := url.Values{"msg_signature": {sealed.Signature}, "timestamp": {sealed.Timestamp}, "nonce": {sealed.Nonce}, "echostr": {sealed.Encrypt}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, to+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return errors.New(notTaken)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxReplyBytes))
	if err != nil || response.StatusCode != http.StatusOK || string(answer) != echo {
		return errors.New(notTaken)
	}
	return nil
}

// endpoints are the products' URLs that the admin console has, by room.
func (c *Chat) endpoints() map[string]*Endpoint {
	all := map[string]*Endpoint{}
	for name, e := range map[string]*Endpoint{roomApp: c.o.App, roomKF: c.o.KF} {
		if e != nil {
			all[name] = e
		}
	}
	if c.o.Gateway == nil {
		all[roomSingle] = c.o.AIBot
	}
	return all
}

// adminPage is what the page shows of the admin console; nil: nothing.
func (c *Chat) adminPage() any {
	if c.o.Mistakes == nil {
		return nil
	}
	type entry struct {
		Name, Title string
		On          bool
	}
	var shown struct{ Mistakes, URLs []entry }
	for _, m := range mistakes {
		shown.Mistakes = append(shown.Mistakes, entry{m.Name, m.Title, c.o.Mistakes.is(m.Name)})
	}
	for _, e := range []entry{{Name: roomSingle, Title: "智能机器人"}, {Name: roomApp, Title: "自建应用"}, {Name: roomKF, Title: "微信客服"}} {
		if c.endpoints()[e.Name] != nil {
			shown.URLs = append(shown.URLs, e)
		}
	}
	return shown
}

// administer does in the admin console what the page asks: make a mistake or mend it, or
// save a product's URL.
func (c *Chat) administer(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Mistake string `json:"mistake"`
		On      bool   `json:"on"`
		Save    string `json:"save"`
	}
	err := readJSON(w, r, &in)
	e := c.endpoints()[in.Save]
	switch {
	case err != nil:
	case in.Save == "":
		err = c.o.Mistakes.Set(in.Mistake, in.On)
	case e == nil:
		err = fmt.Errorf("%w: no product %q", errWritten, in.Save)
	default:
		err = c.checkURL(r.Context(), e)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"bot": c.callName()})
}

// refusesKF reports whether the platform takes no answer of the API's to customers: a talk
// begins as a person's while somebody is on duty.
func (c *Corp) refusesKF() bool {
	return c.Mistakes.is(mistakeDuty) || c.Mistakes.is(mistakeVerified)
}

// listedAccounts is kf/account/list (page 94661).
func (c *Corp) listedAccounts(*http.Request, []byte) (int, map[string]any) {
	account := map[string]any{"open_kfid": kfAccountID, "name": "关务客服", "avatar": "", "manage_privilege": !c.Mistakes.is(mistakePrivilege)}
	return apiOK, map[string]any{"account_list": []any{account}}
}
