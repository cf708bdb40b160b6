package configs

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// validate checks what a single value cannot show: ranges, forms and pairs. It
// reports the first problem in the order of the schema.
func (l *loader) validate(c Config) error {
	if err := l.validateListeners(c); err != nil {
		return err
	}
	if c.DataDir == "" {
		return l.bad("data_dir", "is empty; name a folder")
	}
	durations := []struct {
		key   string
		value time.Duration
		zero  bool
	}{{"shutdown_timeout", c.ShutdownTimeout, false}, {"shutdown_delay", c.ShutdownDelay, true}, {"session.ttl", c.Session.TTL, false}, {"unanswered.ttl", c.Unanswered.TTL, false}, {"answers.ttl", c.Answers.TTL, true}, {"questions.ttl", c.Questions.TTL, true}, {"corrections.ttl", c.Corrections.TTL, true}, {"wecom.max_clock_skew", c.WeCom.MaxClockSkew, true}, {"wecom.aibot.lease", c.WeCom.AIBot.Lease, false}, {"wecom.robot.every", c.WeCom.Robot.Every, false}}
	for _, d := range durations {
		if d.value < 0 || d.value == 0 && !d.zero {
			return l.bad(d.key, fmt.Sprintf("%s is too short; write it like 10m", d.value))
		}
	}
	if c.Curation.People != 1 && c.Curation.People != 2 {
		return l.bad("curation.people", fmt.Sprintf("%d is neither 1 nor 2; write how many people it takes to publish", c.Curation.People))
	}
	if c.Limits.Person < 0 || c.Limits.Chat < 0 {
		key := "limits.person"
		if c.Limits.Chat < 0 {
			key = "limits.chat"
		}
		return l.bad(key, "is below 0; write how many messages a minute get a reply, 0 for all")
	}
	for _, u := range []struct{ key, value, plain, safe string }{
		{"wecom.api_base_url", c.WeCom.APIBaseURL, "http", "https"}, {"wecom.oauth_url", c.WeCom.OAuthURL, "http", "https"}, {"wecom.aibot.ws_url", c.WeCom.AIBot.WSURL, "ws", "wss"},
	} {
		if err := checkURL(u.value, u.plain, u.safe); err != "" {
			return l.bad(u.key, err)
		}
	}
	if err := l.validateAIBot(c.WeCom.AIBot); err != nil {
		return err
	}
	if err := l.validateApp(c.WeCom.App); err != nil {
		return err
	}
	if err := l.validateKF(c.WeCom.KF, c.WeCom.App); err != nil {
		return err
	}
	if key := c.WeCom.Robot.Key.Reveal(); key != "" && !robotKey.MatchString(key) {
		return l.bad("wecom.robot.key", "has characters a key has not; copy what stands behind key= in the robot's webhook address")
	}
	if err := l.validateConsole(c.Console); err != nil {
		return err
	}
	if err := l.validateStore(c.Store); err != nil {
		return err
	}
	if levels := []string{"debug", "info", "warn", "error"}; !slices.Contains(levels, c.Log.Level) {
		return l.bad("log.level", fmt.Sprintf("%q is none of %v", c.Log.Level, levels))
	}
	if formats := []string{"text", "json"}; !slices.Contains(formats, c.Log.Format) {
		return l.bad("log.format", fmt.Sprintf("%q is none of %v", c.Log.Format, formats))
	}
	return nil
}

// validateListeners: a console without login that has a listener of its own is for this
// machine.
func (l *loader) validateListeners(c Config) error {
	for _, a := range []struct{ key, listen string }{{"listen", c.Listen}, {"console.listen", c.Console.Listen}, {"metrics.listen", c.Metrics.Listen}} {
		host, port, err := net.SplitHostPort(a.listen)
		switch {
		case a.listen == "" && a.key != "listen":
		case err != nil || !isPort(port):
			return l.bad(a.key, fmt.Sprintf("%q is no host:port; write it like 127.0.0.1:8080", a.listen))
		case a.key == "console.listen" && !c.Login() && !isLoopback(host):
			return l.bad(a.key, fmt.Sprintf("%q lets everybody into a console without login; write it like 127.0.0.1:%s, or set console.password (%s)", a.listen, port, l.byKey("console.password").env))
		}
	}
	return nil
}

// shortKey is how many characters a key needs not to be guessed.
const shortKey = 32

func (l *loader) validateStore(s Store) error {
	for _, k := range []struct {
		key   string
		value Secret
	}{{"store.key", s.Key}, {"store.former_key", s.FormerKey}} {
		if n := len(k.value); n > 0 && n < shortKey {
			return l.bad(k.key, fmt.Sprintf("has %d characters and could be guessed; make one with `openssl rand -hex 32`", n))
		}
	}
	if s.FormerKey != "" && s.FormerKey == s.Key {
		return l.bad("store.former_key", "is the same as store.key; it names the key of before, take it out when nothing changes")
	}
	return nil
}

// bad names a key and where it was set.
func (l *loader) bad(key, what string) error { return l.byKey(key).wrong(l.byKey(key).from, what) }

// missing says that one key needs another.
func (l *loader) missing(set, needed string) error {
	return l.bad(set, fmt.Sprintf("is set but %s (%s) is not; set both or neither", needed, l.byKey(needed).env))
}

func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 0 && n <= 65535
}

// checkURL demands a safe scheme; a plain one only for this machine.
func checkURL(raw, plain, safe string) string {
	u, err := url.Parse(raw)
	switch {
	case err != nil, u.Host == "":
		return fmt.Sprintf("is no full URL; write it like %s://host", safe)
	case u.User != nil:
		return "must not hold a user or password"
	case u.Scheme == safe, u.Scheme == plain && isLoopback(u.Hostname()):
		return ""
	}
	return fmt.Sprintf("must start with %s:// (%s:// is allowed for this machine only)", safe, plain)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (l *loader) validateAIBot(b AIBot) error {
	switch {
	case b.Token != "" && b.EncodingAESKey == "":
		return l.missing("wecom.aibot.token", "wecom.aibot.encoding_aes_key")
	case b.Token == "" && b.EncodingAESKey != "":
		return l.missing("wecom.aibot.encoding_aes_key", "wecom.aibot.token")
	case b.BotID != "" && b.Secret == "":
		return l.missing("wecom.aibot.bot_id", "wecom.aibot.secret")
	case b.BotID == "" && b.Secret != "":
		return l.missing("wecom.aibot.secret", "wecom.aibot.bot_id")
	case b.Token != "" && b.BotID != "":
		return l.bad("wecom.aibot.token", "and wecom.aibot.bot_id are both set, but a bot has either a callback or a long connection; keep one pair")
	}
	return l.checkKey("wecom.aibot.encoding_aes_key", b.EncodingAESKey)
}

func (l *loader) validateApp(a App) error {
	pairs := []struct {
		set    bool
		key    string
		needed string
		there  bool
	}{
		{a.Token != "", "wecom.app.token", "wecom.app.encoding_aes_key", a.EncodingAESKey != ""},
		{a.EncodingAESKey != "", "wecom.app.encoding_aes_key", "wecom.app.token", a.Token != ""},
		{a.Token != "", "wecom.app.token", "wecom.app.corp_id", a.CorpID != ""},
		{a.Secret != "", "wecom.app.secret", "wecom.app.corp_id", a.CorpID != ""},
		{a.Secret != "", "wecom.app.secret", "wecom.app.agent_id", a.AgentID != ""},
	}
	for _, p := range pairs {
		if p.set && !p.there {
			return l.missing(p.key, p.needed)
		}
	}
	if _, err := strconv.ParseUint(a.AgentID, 10, 32); a.AgentID != "" && err != nil {
		return l.bad("wecom.app.agent_id", fmt.Sprintf("%q is no number; copy AgentId from the application's page", a.AgentID))
	}
	return l.checkKey("wecom.app.encoding_aes_key", a.EncodingAESKey)
}

// robotKey is what a webhook's key is made of; it goes into an address as it is.
var robotKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// validateKF: without a callback of its own, customer service gets its events through the
// application's.
func (l *loader) validateKF(k KF, a App) error {
	there := map[string]bool{"wecom.kf.corp_id": k.CorpID != "", "wecom.kf.secret": k.Secret != ""}
	if k.Token != "" || k.EncodingAESKey != "" || a.Token == "" {
		there["wecom.kf.token"], there["wecom.kf.encoding_aes_key"] = k.Token != "", k.EncodingAESKey != ""
	} else if k.CorpID != "" && k.CorpID != a.CorpID {
		return l.bad("wecom.kf.corp_id", "is not wecom.app.corp_id, but without wecom.kf.token customer service's events come through that application; set wecom.kf.token and wecom.kf.encoding_aes_key")
	}
	for _, set := range slices.Sorted(maps.Keys(there)) {
		for _, needed := range slices.Sorted(maps.Keys(there)) {
			if there[set] && !there[needed] {
				return l.missing(set, needed)
			}
		}
	}
	return l.checkKey("wecom.kf.encoding_aes_key", k.EncodingAESKey)
}

var keyPattern = regexp.MustCompile(`^[A-Za-z0-9]{43}$`)

// checkKey: an EncodingAESKey is 43 letters and digits that, with one = more, are
// 32 bytes in base64. Strict decoding would refuse most real keys, whose last
// character carries two spare bits.
func (l *loader) checkKey(key string, value Secret) error {
	if value == "" {
		return nil
	}
	if n := len(value); n != 43 {
		return l.bad(key, fmt.Sprintf("has %d characters instead of 43; copy it again from the console", n))
	}
	raw, err := base64.StdEncoding.DecodeString(value.Reveal() + "=")
	if !keyPattern.MatchString(value.Reveal()) || err != nil || len(raw) != 32 {
		return l.bad(key, "must be 43 letters and digits; copy it again from the console")
	}
	return nil
}

// shortPassword is how many characters a password needs to be no invitation.
const shortPassword = 12

func (l *loader) validateConsole(c Console) error {
	if n := utf8.RuneCountInString(c.Password.Reveal()); n > 0 && n < shortPassword {
		l.warnings = append(l.warnings, fmt.Sprintf("console.password has %d characters; take %d or more, since whoever guesses it can change the knowledge", n, shortPassword))
	}
	if err := l.validateAccounts(c); err != nil {
		return err
	}
	if c.BaseURL != "" {
		if err := checkURL(c.BaseURL, "http", "https"); err != "" {
			return l.bad("console.base_url", err)
		}
		if u, err := url.Parse(c.BaseURL); err != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return l.bad("console.base_url", "must be scheme and host alone; write it like https://aeo.example.com (the console is at /console/ there)")
		}
	}
	for _, p := range c.TrustedProxies {
		if _, err := netip.ParseAddr(p); err == nil {
			continue
		}
		if _, err := netip.ParsePrefix(p); err != nil {
			return l.bad("console.trusted_proxies", fmt.Sprintf("%q is neither an address nor a network; write it like 10.0.0.5 or 10.0.0.0/24", p))
		}
	}
	return nil
}

// account is one account's line, as aeobot console account prints it.
var account = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._@-]{0,63}):(reader|coordinator|admin):pbkdf2-sha256\$([0-9]{6,8})\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`)

// accounts are the lines of Accounts.
func (c Console) accounts() []string {
	return strings.FieldsFunc(c.Accounts.Reveal(), func(c rune) bool { return strings.ContainsRune(" \t\r\n,", c) })
}

// validateAccounts names an account by its number: the line is a secret.
func (l *loader) validateAccounts(c Console) error {
	const key = "console.accounts"
	names := map[string]int{}
	for i, line := range c.accounts() {
		m := account.FindStringSubmatch(line)
		switch {
		case m == nil && strings.Count(line, "$") < 3:
			return l.bad(key, fmt.Sprintf("account %d is not name:role:hash, or a shell has taken its $ signs; make it with `aeobot console account NAME --role coordinator` and write it in single quotes or in a file", i+1))
		case m == nil:
			return l.bad(key, fmt.Sprintf("account %d is not name:role:hash with role reader, coordinator or admin; make it with `aeobot console account NAME --role coordinator`", i+1))
		}
		name := strings.ToLower(m[1])
		switch before, twice := names[name]; {
		case twice:
			return l.bad(key, fmt.Sprintf("accounts %d and %d have the same name; keep one", before, i+1))
		case name == "admin" && c.Password != "":
			return l.bad(key, fmt.Sprintf("account %d is called admin, and so is that of console.password; keep one of the two", i+1))
		}
		names[name] = i + 1
	}
	return nil
}
