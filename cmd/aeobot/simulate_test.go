package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"aeobot/bot/storetest"
	"aeobot/bot/storetest/child"
)

// startSimulate runs the stand-in platform and a bot at home in its company, with what
// the command itself says of settings.
func startSimulate(t *testing.T, flags ...string) (platform, bot *running) {
	t.Helper()
	return startSimulateWith(t, nil, flags...)
}

// startSimulateWith has settings of the bot besides.
func startSimulateWith(t *testing.T, more []string, flags ...string) (platform, bot *running) {
	t.Helper()
	listen, botListen := freeAddress(t), freeAddress(t)
	flags = append([]string{"simulate", "--listen", listen, "--bot", "http://" + botListen}, flags...)
	said := execute(t, t.TempDir(), "", nil, append(flags, "--env")...)
	var env []string
	for _, line := range strings.Split(strings.TrimSpace(said.stdout), "\n") {
		env = append(env, strings.TrimPrefix(line, "export "))
	}
	cmd := exec.Command(program(t), flags...)
	cmd.Env = cleanEnv()
	platform = &running{t: t, cmd: cmd, base: "http://" + listen, stderr: &lockedBuffer{}}
	cmd.Stdout, cmd.Stderr = platform.stderr, platform.stderr
	child.StartFor(t, cmd)
	platform.await("serving", func() bool { status, _ := platform.get("/"); return status == http.StatusOK })
	bot = startServeAt(t, botListen, t.TempDir(), append(append(noChannel[:len(noChannel):len(noChannel)], "AEOBOT_LOG_LEVEL=debug"), append(env, more...)...)...)
	if slices.Contains(flags, "--connection") {
		bot.await("connected", func() bool {
			_, state := bot.get("/readyz")
			return strings.Contains(state, `"long_connection":"ready"`)
		})
	}
	return platform, bot
}

// TestSimulate talks to the bot through every product of the stand-in company, the AI
// bot over callbacks or over the long connection.
func TestSimulate(t *testing.T) {
	for name, flags := range map[string][]string{"callbacks": nil, "long connection": {"--connection"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			platform, bot := startSimulate(t, flags...)
			c := newLocalChat(t, platform.base)
			c.act("enter", "single/lin.yue", "lin.yue", nil)
			if got := c.next(); got.Chat != "single/lin.yue" || !strings.Contains(got.Text, "你好，我是 AEO 激励措施问答助手") {
				t.Errorf("the welcome is %+v", got)
			}
			buttonsAndOpinions(t, c)
			inTheApplication(t, c)
			asCustomer(t, c)
			nothingLeaked(t, bot)
			bot.stop()
			nothingKept(t, bot.cmd.Dir)
			platform.stop()
		})
	}
}

// secrets are what no log, metric or state may hold: who asked what, what was answered,
// settings that are secret, and what the platform gives out.
var secrets = regexp.MustCompile(`lin\.yue|wang\.qiang|chen\.jing|林悦|wrLocalGroup|担保|地方政府|专窗|第3条|没有写国家|` +
	simSecret + `|` + simKey + `|` + simRobotKey + `|\b(at|late|rc|welcome|t)-[A-Z2-7]{12,}|response_code=|access_token=|corpsecret=|[?&]key=`)

// nothingLeaked looks for secrets in everything that the bot shows operators.
func nothingLeaked(t *testing.T, bot *running) {
	t.Helper()
	_, metrics := bot.get("/metrics")
	_, ready := bot.get("/readyz")
	for where, text := range map[string]string{"log": bot.stderr.String(), "metrics": metrics, "readyz": ready} {
		for line := range strings.Lines(text) {
			if found := secrets.FindString(line); found != "" {
				t.Errorf("%q stands in the %s: %s", found, where, line)
			}
		}
	}
	if !strings.Contains(bot.stderr.String(), "level=INFO msg=turn") {
		t.Errorf("there is nothing in the log:\n%s", bot.stderr)
	}
}

// Of secrets, those that name people and places, and those that open doors.
var (
	named       = regexp.MustCompile(`lin\.yue|wang\.qiang|chen\.jing|林悦|wrLocalGroup`)
	credentials = regexp.MustCompile(simSecret + `|` + simKey + `|` + simRobotKey + `|\bt-[A-Z2-7]{12,}|response_code=|access_token=|corpsecret=|[?&]key=`)
)

// peopleKinds are the kinds on the shelf that hold people: those who are to be told something
// later, and who was shown what one-to-one.
var peopleKinds = regexp.MustCompile(`^(wishes|recalls|given-[0-9-]+)\x00`)

// nothingKept looks for secrets in the data folder of a bot that has ended. What was asked
// and quoted may stand in the store, where it expires; people only where they are to be
// spoken to again, and credentials only with the access_tokens.
func nothingKept(t *testing.T, dir string) {
	t.Helper()
	looked := 0
	look := func(where, text string, mayName, mayOpen bool) {
		looked++
		if found := named.FindString(text); found != "" && !mayName {
			t.Errorf("%q stands in %s: %q", found, where, text)
		}
		if found := credentials.FindString(text); found != "" && !mayOpen {
			t.Errorf("%q stands in %s: %q", found, where, text)
		}
	}
	err := filepath.WalkDir(filepath.Join(dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "aeobot.db" {
			return err
		}
		data, err := os.ReadFile(path)
		look(path, string(data), false, false)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(storeFile(dir), 0o600, &bbolt.Options{ReadOnly: true, Timeout: storetest.Patience})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(bucket []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				name := string(bucket) + " " + string(k)
				look(name, string(k), false, false)
				look(name, unzipped(v), string(bucket) == "shelf" && peopleKinds.Match(k), string(bucket) == "tokens")
				return nil
			})
		})
	})
	if err != nil || looked < 20 {
		t.Errorf("looked at %d things in %s: %v", looked, dir, err)
	}
}

// unzipped is a stored value, with what is packed in it.
func unzipped(v []byte) string {
	if i := bytes.Index(v, []byte{0x1f, 0x8b, 8}); i >= 0 {
		if z, err := gzip.NewReader(bytes.NewReader(v[i:])); err == nil {
			if data, err := io.ReadAll(z); err == nil {
				return string(v[:i]) + string(data)
			}
		}
	}
	return string(v)
}

func inTheApplication(t *testing.T, c *localChat) {
	t.Helper()
	const chat = "app/wang.qiang"
	in := func(m bubble) bool { return m.Chat == chat && m.From == "" }
	c.act("menu", chat, "wang.qiang", map[string]any{"key": "AEO"})
	c.await("the passive reply", in)
	card := c.await("its card", func(m bubble) bool { return in(m) && m.Card != nil })
	c.press(card, "wang.qiang", "没用")
	c.await("the card updated", func(m bubble) bool {
		return m.ID == card.ID && m.Card != nil && strings.Contains(m.Card.Title, "已记录")
	})
	c.write(chat, "wang.qiang", "能免除担保吗")
	if got := c.await("an answer", in); !strings.Contains(got.Text, "5、可向海关申请免除担保") {
		t.Errorf("the application said %q", got.Text)
	}
}

func asCustomer(t *testing.T, c *localChat) {
	t.Helper()
	const chat = "kf/chen.jing"
	in := func(m bubble) bool { return m.Chat == chat && m.From == "" }
	c.act("enter", chat, "chen.jing", nil)
	c.await("the welcome", in)
	c.write(chat, "chen.jing", "地方政府特色支持")
	if got := c.await("an answer", in); !strings.Contains(got.Text, "6、在行政服务中心试点设立AEO服务专窗") {
		t.Errorf("customer service said %q", got.Text)
	}
}

// TestSimulateChaos asks while things go wrong by a seed; every answer comes.
func TestSimulateChaos(t *testing.T) {
	for name, flags := range map[string][]string{"callbacks": nil, "long connection": {"--connection"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			platform, bot := startSimulate(t, append(flags, "--chaos", "7")...)
			c := newLocalChat(t, platform.base)
			for _, question := range []string{"地方政府特色支持", "第3条", "第4条", "第5条", "海关直接激励措施", "第5条", "第6条", "第1条"} {
				c.write("single/lin.yue", "lin.yue", question)
				if got := c.next(); !got.Bot {
					t.Fatalf("%s: %+v", question, got)
				}
			}
			platform.await("disturbed", func() bool { return strings.Contains(platform.stderr.String(), "故障：") })
			// What an address is refused for (60020) stays unsent, so only the passive reply is sure.
			c.write("app/chen.jing", "chen.jing", "能免除担保吗")
			c.await("the passive reply", func(m bubble) bool { return m.Bot && m.Chat == "app/chen.jing" })
			nothingLeaked(t, bot)
		})
	}
}

func TestSimulateRefuses(t *testing.T) {
	for _, listen := range []string{"0.0.0.0:0", ":8090", "example.com:80", "nonsense"} {
		if got := execute(t, t.TempDir(), "", nil, "simulate", "--listen", listen); got.status != exitUsage || !strings.Contains(got.stderr, "127.0.0.1") {
			t.Errorf("--listen %s: status %d: %s", listen, got.status, got.stderr)
		}
	}
}
