package configs_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"aeobot/configs"
)

const goodKey = "oOYVIYqLimZBtYmFuzUmq5zgrdObL4mY0mCUCb9CKZL"

func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExampleIsTheDefaults(t *testing.T) {
	c, warnings, err := configs.Load("aeobot.example.yaml", nil)
	if err != nil || len(warnings) > 0 {
		t.Fatal(warnings, err)
	}
	want := configs.Default()
	want.Knowledge.Paths = []string{}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("example: got %+v, want %+v", c, want)
	}
	data, err := os.ReadFile("aeobot.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := yaml.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	everyKeyStands(t, reflect.TypeFor[configs.Config](), root, "")
}

func everyKeyStands(t *testing.T, schema reflect.Type, group map[string]any, path string) {
	for f := range schema.Fields() {
		key := f.Tag.Get("yaml")
		value, ok := group[key]
		if !ok {
			t.Errorf("example lacks %s%s", path, key)
		}
		if f.Type.Kind() == reflect.Struct && ok {
			everyKeyStands(t, f.Type, value.(map[string]any), path+key+".")
		}
	}
}

func TestEnvironmentWins(t *testing.T) {
	path := file(t, "c.yaml", "listen: 127.0.0.1:1\nwecom:\n  aibot:\n    token: from-file\n    encoding_aes_key: "+goodKey+"\n")
	secret := file(t, "token", "from-secret\r\n")
	c, _, err := configs.Load(path, []string{
		"AEOBOT_LISTEN=127.0.0.1:2", "AEOBOT_WECOM_AIBOT_TOKEN_FILE=" + secret, "AEOBOT_KNOWLEDGE_PATHS=a.txt, b ,",
		"AEOBOT_SESSION_TTL=1h", "AEOBOT_REDIS_ALLOW_INSECURE=true", "OTHER=x", "AEOBOT_TEST_REDIS=x",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:2" || c.WeCom.AIBot.Token.Reveal() != "from-secret" || c.Session.TTL != time.Hour || !c.Redis.AllowInsecure ||
		!reflect.DeepEqual(c.Knowledge.Paths, []string{"a.txt", "b"}) {
		t.Errorf("got %+v", c)
	}
}

// TestListenersOfTheirOwn: a console behind a login may be anywhere, one without only here.
func TestListenersOfTheirOwn(t *testing.T) {
	member := []string{"AEOBOT_CONSOLE_BASE_URL=https://aeo.example.com", "AEOBOT_WECOM_APP_CORP_ID=c", "AEOBOT_WECOM_APP_SECRET=s", "AEOBOT_WECOM_APP_AGENT_ID=1"}
	for listen, env := range map[string][]string{
		"127.0.0.1:8081": nil, "[::1]:8081": nil, "localhost:0": nil,
		"0.0.0.0:8081": {"AEOBOT_CONSOLE_PASSWORD=correct horse battery"}, ":8081": {"AEOBOT_CONSOLE_ACCOUNTS=" + goodAccount("a", "admin")}, "10.0.0.5:8081": member,
	} {
		c, _, err := configs.Load("", append(env, "AEOBOT_CONSOLE_LISTEN="+listen, "AEOBOT_METRICS_LISTEN=:9090"))
		if err != nil || c.Console.Listen != listen || c.Metrics.Listen != ":9090" || c.Login() != (env != nil) {
			t.Errorf("%s: %+v, %v", listen, c.Console, err)
		}
	}
}

func TestSecretFileInYAML(t *testing.T) {
	secret := file(t, "s", "sss\n")
	c, _, err := configs.Load(file(t, "c.yaml", "console:\n  password_file: "+secret+"\n"), nil)
	if err != nil || c.Console.Password.Reveal() != "sss" {
		t.Errorf("got %q, %v", c.Console.Password.Reveal(), err)
	}
}

func TestErrorsNameKeyPlaceAndMend(t *testing.T) {
	const secret = "s3cr3t-value"
	tests := []struct {
		name, yaml string
		env        []string
		want       []string
	}{
		{"unknown key", "wecom:\n  aibot:\n    tokn: x\n", nil, []string{"c.yaml:3", `"wecom.aibot.tokn"`, `did you mean "wecom.aibot.token"`}},
		{"unknown group", "web:\n  x: 1\n", nil, []string{"c.yaml:1", `"web"`, "aeobot.example.yaml"}},
		{"unknown variable near a known one", "", []string{"AEOBOT_LISTN=x"}, []string{"AEOBOT_LISTN", "AEOBOT_LISTEN"}},
		{"broken yaml", "a: [\n", nil, []string{"c.yaml", "line"}},
		{"a group that is none", "redis: x\n", nil, []string{"c.yaml:1", "redis"}},
		{"no duration", "session:\n  ttl: soon\n", nil, []string{"session.ttl", "c.yaml:2", "10m"}},
		{"zero duration", "", []string{"AEOBOT_SESSION_TTL=0"}, []string{"session.ttl", "AEOBOT_SESSION_TTL"}},
		{"no truth", "", []string{"AEOBOT_REDIS_ALLOW_INSECURE=maybe"}, []string{"redis.allow_insecure", "true"}},
		{"no address", "", []string{"AEOBOT_LISTEN=8080"}, []string{"listen", "AEOBOT_LISTEN", "127.0.0.1:8080"}},
		{"console without login for everybody", "", []string{"AEOBOT_CONSOLE_LISTEN=0.0.0.0:8081", "AEOBOT_CONSOLE_ACCOUNTS= \n"}, []string{"console.listen", "AEOBOT_CONSOLE_LISTEN", "127.0.0.1:8081", "AEOBOT_CONSOLE_PASSWORD"}},
		{"console without login on a name", "console:\n  listen: aeo.example.com:81\n  base_url: https://aeo.example.com\n", nil, []string{"c.yaml:2", "console.listen", "127.0.0.1:81"}},
		{"metrics at no address", "", []string{"AEOBOT_METRICS_LISTEN=9090"}, []string{"metrics.listen", "AEOBOT_METRICS_LISTEN", "127.0.0.1:8080"}},
		{"negative delay", "", []string{"AEOBOT_SHUTDOWN_DELAY=-1s"}, []string{"shutdown_delay"}},
		{"short key", "", []string{"AEOBOT_WECOM_AIBOT_TOKEN=t", "AEOBOT_WECOM_AIBOT_ENCODING_AES_KEY=" + secret}, []string{"wecom.aibot.encoding_aes_key", "43"}},
		{"key with a sign", "", []string{"AEOBOT_WECOM_AIBOT_TOKEN=t", "AEOBOT_WECOM_AIBOT_ENCODING_AES_KEY=" + strings.Repeat("+", 43)}, []string{"wecom.aibot.encoding_aes_key", "letters and digits"}},
		{"token without key", "", []string{"AEOBOT_WECOM_AIBOT_TOKEN=" + secret}, []string{"wecom.aibot.token", "wecom.aibot.encoding_aes_key"}},
		{"key without token", "", []string{"AEOBOT_WECOM_AIBOT_ENCODING_AES_KEY=" + goodKey}, []string{"wecom.aibot.encoding_aes_key", "wecom.aibot.token"}},
		{"id without secret", "", []string{"AEOBOT_WECOM_AIBOT_BOT_ID=b"}, []string{"wecom.aibot.bot_id", "wecom.aibot.secret"}},
		{"both modes", "", []string{"AEOBOT_WECOM_AIBOT_TOKEN=t", "AEOBOT_WECOM_AIBOT_ENCODING_AES_KEY=" + goodKey, "AEOBOT_WECOM_AIBOT_BOT_ID=b", "AEOBOT_WECOM_AIBOT_SECRET=" + secret}, []string{"wecom.aibot.token", "wecom.aibot.bot_id"}},
		{"application without corp", "", []string{"AEOBOT_WECOM_APP_TOKEN=t", "AEOBOT_WECOM_APP_ENCODING_AES_KEY=" + goodKey}, []string{"wecom.app.corp_id"}},
		{"secret without agent", "", []string{"AEOBOT_WECOM_APP_SECRET=" + secret, "AEOBOT_WECOM_APP_CORP_ID=c"}, []string{"wecom.app.secret", "wecom.app.agent_id"}},
		{"agent is no number", "", []string{"AEOBOT_WECOM_APP_AGENT_ID=x1"}, []string{"wecom.app.agent_id", "AgentId"}},
		{"plain address elsewhere", "", []string{"AEOBOT_WECOM_API_BASE_URL=http://proxy.example"}, []string{"wecom.api_base_url", "https://"}},
		{"no address at all", "", []string{"AEOBOT_WECOM_API_BASE_URL=proxy"}, []string{"wecom.api_base_url"}},
		{"log level", "", []string{"AEOBOT_LOG_LEVEL=loud"}, []string{"log.level", "debug"}},
		{"secret file not there", "", []string{"AEOBOT_CONSOLE_PASSWORD_FILE=/nowhere/at/all"}, []string{"console.password", "/nowhere/at/all"}},
		{"account without a hash", "", []string{"AEOBOT_CONSOLE_ACCOUNTS=" + goodAccount("a", "admin") + "\nlin.yue:coordinator:" + secret}, []string{"console.accounts", "account 2", "aeobot console account", "single quotes"}},
		{"account of an unknown role", "", []string{"AEOBOT_CONSOLE_ACCOUNTS=" + goodAccount("lin.yue", "boss")}, []string{"console.accounts", "account 1", "coordinator"}},
		{"account twice", "", []string{"AEOBOT_CONSOLE_ACCOUNTS=" + goodAccount("lin.yue", "reader") + ", " + goodAccount("Lin.Yue", "admin")}, []string{"console.accounts", "accounts 1 and 2"}},
		{"admin twice", "", []string{"AEOBOT_CONSOLE_PASSWORD=" + secret, "AEOBOT_CONSOLE_ACCOUNTS=" + goodAccount("admin", "admin")}, []string{"console.accounts", "console.password"}},
		{"console in the clear", "", []string{"AEOBOT_CONSOLE_BASE_URL=http://aeo.example.com"}, []string{"console.base_url", "https://"}},
		{"console below a path", "", []string{"AEOBOT_CONSOLE_BASE_URL=https://aeo.example.com/console/"}, []string{"console.base_url", "scheme and host"}},
		{"login in the clear", "", []string{"AEOBOT_WECOM_OAUTH_URL=http://login.example"}, []string{"wecom.oauth_url", "https://"}},
		{"proxy that is none", "", []string{"AEOBOT_CONSOLE_TRUSTED_PROXIES=10.0.0.1,nginx"}, []string{"console.trusted_proxies", "nginx", "10.0.0.0/24"}},
		{"value and file", "", []string{"AEOBOT_CONSOLE_PASSWORD=" + secret, "AEOBOT_CONSOLE_PASSWORD_FILE=/etc/hostname"}, []string{"console.password", "set twice"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := ""
			if tt.yaml != "" {
				path = file(t, "c.yaml", tt.yaml)
			}
			_, _, err := configs.Load(path, tt.env)
			if err == nil {
				t.Fatal("no error")
			}
			for _, w := range tt.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q lacks %q", err, w)
				}
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error shows a secret or has more than one line: %q", err)
			}
		})
	}
}

// goodAccount is a line whose form is right; its hash is nobody's.
func goodAccount(name, role string) string {
	return name + ":" + role + ":pbkdf2-sha256$600000$" + strings.Repeat("A", 22) + "$" + strings.Repeat("B", 43)
}

func TestConsole(t *testing.T) {
	accounts := file(t, "accounts", goodAccount("lin.yue", "coordinator")+"\n"+goodAccount("wang.qiang", "reader")+"\n")
	c, warnings, err := configs.Load("", []string{"AEOBOT_CONSOLE_ACCOUNTS_FILE=" + accounts, "AEOBOT_CONSOLE_PASSWORD=十二个字才不容易被猜中",
		"AEOBOT_CONSOLE_BASE_URL=https://aeo.example.com/", "AEOBOT_CONSOLE_ADMINS=lin.yue, chen.jing", "AEOBOT_CONSOLE_TRUSTED_PROXIES=10.0.0.5,fd00::/8"})
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "console.password") {
		t.Fatalf("%v, %v", warnings, err) // eleven characters
	}
	if !strings.HasPrefix(c.Console.Accounts.Reveal(), "lin.yue:coordinator:") || !reflect.DeepEqual(c.Console.Admins, []string{"lin.yue", "chen.jing"}) ||
		strings.Contains(fmt.Sprintf("%+v %#v", c, c), "pbkdf2") {
		t.Errorf("got %+v", c.Console)
	}
	if _, warnings, err = configs.Load("", []string{"AEOBOT_CONSOLE_PASSWORD=twelve chars"}); err != nil || len(warnings) != 0 {
		t.Errorf("twelve characters: %v, %v", warnings, err)
	}
}

func TestPlainAddressOfThisMachine(t *testing.T) {
	if _, _, err := configs.Load("", []string{"AEOBOT_WECOM_API_BASE_URL=http://127.0.0.1:9"}); err != nil {
		t.Error(err)
	}
}

func TestSecretHides(t *testing.T) {
	const text = "open-sesame"
	s := struct{ S configs.Secret }{text}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, value := range []any{s.S, s, &s, []configs.Secret{text}} {
			if got := fmt.Sprintf(verb, value); strings.Contains(got, text) || strings.Contains(got, fmt.Sprintf("%x", text)) {
				t.Errorf("%s of %T shows the secret: %s", verb, value, got)
			}
		}
	}
	asJSON, err := json.Marshal(s)
	if err != nil || strings.Contains(string(asJSON), text) {
		t.Errorf("JSON: %s, %v", asJSON, err)
	}
	asYAML, err := yaml.Marshal(s)
	if err != nil || strings.Contains(string(asYAML), text) {
		t.Errorf("YAML: %s, %v", asYAML, err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s.S, "in", s)
	if strings.Contains(log.String(), text) {
		t.Errorf("slog: %s", log.String())
	}
	if got := configs.Secret("").String(); got != "" || s.S.Reveal() != text {
		t.Errorf("empty secret prints %q, revealed %q", got, s.S.Reveal())
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("listen: 127.0.0.1:1\nwecom: {aibot: {token: s3cr3t}}\n")
	f.Add("redis:\n  url: [1]\n")
	f.Add("knowledge:\n  paths: [a, {b: c}]\n")
	f.Add("a: &a\n  <<: *a\n")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "fuzz.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := configs.Load(path, nil); err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("error of more than one line: %q", err)
		}
	})
}
