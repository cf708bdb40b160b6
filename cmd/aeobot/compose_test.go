package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"go.yaml.in/yaml/v3"

	"aeobot/bot/storetest"
	"aeobot/bot/storetest/child"
	"aeobot/configs"
)

// composeFile is what the tests look at in compose.yaml.
type composeFile struct {
	Services map[string]struct {
		Build       struct{ Args map[string]string }
		User        string
		Command     []string
		Environment map[string]string
		Secrets     []string
		CapDrop     []string `yaml:"cap_drop"`
		CapAdd      []string `yaml:"cap_add"`
		ReadOnly    bool     `yaml:"read_only"`
		Healthcheck struct{ Test []string }
	}
	Secrets map[string]struct{ File string }
	text    string
}

func readCompose(t *testing.T) composeFile {
	t.Helper()
	data, err := os.ReadFile("../../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c := composeFile{text: string(data)}
	if err := yaml.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestComposeStartsTheProgram: the settings that compose.yaml gives are ones the program
// takes, for the long connection, with accounts for two people.
func TestComposeStartsTheProgram(t *testing.T) {
	secrets := writeSecrets(t)
	var environ []string
	for name, value := range readCompose(t).Services["aeobot"].Environment {
		environ = append(environ, name+"="+strings.ReplaceAll(interpolate(value), "/run/secrets", secrets))
	}
	c, warnings, err := configs.Load("", environ)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("settings: %v, warnings %v", err, warnings)
	}
	if c.WeCom.AIBot.BotID == "" || c.WeCom.AIBot.Secret != "s3cret" || c.Redis.URL == "" {
		t.Errorf("bot id, secret and Redis: got %q, %q, %q", c.WeCom.AIBot.BotID, c.WeCom.AIBot.Secret.Reveal(), c.Redis.URL.Reveal())
	}
	if n := strings.Count(c.Console.Accounts.Reveal(), "pbkdf2"); n != 2 || c.Curation.People != 2 {
		t.Errorf("%d accounts, while %d people publish", n, c.Curation.People)
	}
}

// writeSecrets writes what the operator is told to write.
func writeSecrets(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	hash := ":pbkdf2-sha256$600000$" + strings.Repeat("a", 22) + "$" + strings.Repeat("a", 43) + "\n"
	for name, text := range map[string]string{
		"aibot_secret": "s3cret", "redis_password": "p4ssword\n", "redis_url": "redis://:p4ssword@redis:6379/0",
		"console_accounts": "lin.yue:coordinator" + hash + "wang.fang:admin" + hash,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

var composeVariable = regexp.MustCompile(`\$\{([A-Z_]+):([-?])([^}]*)\}`)

// interpolate puts a value in for what .env must have, and the default for the rest.
func interpolate(value string) string {
	return composeVariable.ReplaceAllStringFunc(value, func(v string) string {
		if m := composeVariable.FindStringSubmatch(v); m[2] == "-" {
			return m[3]
		}
		return "x"
	})
}

// TestComposeNames: a secret that is mounted is there, and a setting that is spoken of, in
// comments too, is one.
func TestComposeNames(t *testing.T) {
	c := readCompose(t)
	inUse := regexp.MustCompile(`/run/secrets/(\w+)`)
	for name, s := range c.Services {
		said := strings.Join(slices.Concat(s.Command, s.Healthcheck.Test), " ")
		for _, v := range s.Environment {
			said += " " + v
		}
		var used []string
		for _, m := range inUse.FindAllStringSubmatch(said, -1) {
			used = append(used, m[1])
		}
		slices.Sort(used)
		used = slices.Compact(used)
		if slices.Sort(s.Secrets); !slices.Equal(used, s.Secrets) {
			t.Errorf("%s uses the secrets %v and mounts %v", name, used, s.Secrets)
		}
		for _, secret := range s.Secrets {
			if file := c.Secrets[secret].File; file == "" || !strings.Contains(c.text, "> "+strings.TrimPrefix(file, "./")+"\n") {
				t.Errorf("nothing says how to make the secret %s in %q", secret, file)
			}
		}
	}
	for _, file := range []string{"compose.yaml", "Dockerfile"} {
		data, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`AEOBOT_[A-Z_]+`).FindAllString(string(data), -1) {
			_, warnings, err := configs.Load("", []string{strings.TrimSuffix(name, "_FILE") + "="})
			if len(warnings) > 0 || err != nil && strings.Contains(err.Error(), "unknown") {
				t.Errorf("%s: %s is no setting: %v %v", file, name, warnings, err)
			}
		}
	}
	if c.Services["aeobot"].Build.Args["VERSION"] == "" {
		t.Error("the version is not passed to the build")
	}
}

// TestComposeNeedsNoRoot: without its capabilities root cannot write into a folder of
// another user, which is how Redis failed to start. The program's user stands in the Dockerfile.
func TestComposeNeedsNoRoot(t *testing.T) {
	dockerfile, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range readCompose(t).Services {
		user := s.User
		if m := regexp.MustCompile(`(?m)^USER (\S+)`).FindSubmatch(dockerfile); name == "aeobot" && m != nil {
			user = string(m[1])
		}
		if user == "" || strings.HasPrefix(user, "root") || strings.HasPrefix(user, "0") {
			t.Errorf("%s runs as %q", name, user)
		}
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || len(s.CapAdd) > 0 {
			t.Errorf("%s: read only %v, capabilities dropped %v, added %v", name, s.ReadOnly, s.CapDrop, s.CapAdd)
		}
	}
}

// TestComposeStartsRedis runs the command as it stands, with the program's own Redis.
func TestComposeStartsRedis(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		if required {
			t.Fatal("redis-server is not on PATH; `make test` installs it")
		}
		t.Skip("redis-server is not on PATH; `make test` installs it")
	}
	socket := filepath.Join(t.TempDir(), "s")
	command := readCompose(t).Services["redis"].Command
	script := strings.NewReplacer("$$", "$", "/run/secrets", writeSecrets(t), "redis-server -", "redis-server - --port 0 --unixsocket "+socket).Replace(command[2])
	cmd := exec.Command(command[0], command[1], script)
	cmd.Dir = t.TempDir()
	child.StartFor(t, cmd)
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: socket, Password: "p4ssword", ContextTimeoutEnabled: true})
	defer client.Close()
	storetest.Eventually(t, "Redis up", func() bool { return client.Ping(t.Context()).Err() == nil })
	stranger := redis.NewClient(&redis.Options{Network: "unix", Addr: socket})
	defer stranger.Close()
	if err := stranger.Ping(t.Context()).Err(); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without the password: got %v", err)
	}
	if arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid)); err == nil && strings.Contains(string(arguments), "p4ssword") {
		t.Error("the password is an argument")
	}
	if _, err := os.Stat(filepath.Join(cmd.Dir, "appendonlydir")); err != nil {
		t.Error(err)
	}
}
