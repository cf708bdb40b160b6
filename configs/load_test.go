package configs_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"aeobot/configs"
)

// TestVariablesOfOtherServices: a container beside a service called aeobot has these.
func TestVariablesOfOtherServices(t *testing.T) {
	_, warnings, err := configs.Load("", []string{
		"AEOBOT_SERVICE_HOST=10.0.0.1", "AEOBOT_SERVICE_PORT=80", "AEOBOT_SERVICE_PORT_HTTP=80",
		"AEOBOT_PORT=tcp://10.0.0.1:80", "AEOBOT_PORT_80_TCP=tcp://10.0.0.1:80", "AEOBOT_PORT_80_TCP_PROTO=tcp", "AEOBOT_PORT_80_TCP_PORT=80", "AEOBOT_PORT_80_TCP_ADDR=10.0.0.1",
		"AEOBOT_REDIS_SERVICE_HOST=10.0.0.2", "AEOBOT_REDIS_PORT=tcp://10.0.0.2:6379", "AEOBOT_METRICS_PORT_53_UDP_ADDR=10.0.0.3",
		"AEOBOT_NAME=/web/aeobot", "AEOBOT_ENV_PATH=/bin",
	})
	if err != nil || len(warnings) > 0 {
		t.Errorf("got %v, warnings %q", err, warnings)
	}
}

func TestUnknownVariablesAreOneWarning(t *testing.T) {
	tests := []struct {
		environ []string
		want    string
	}{
		{[]string{"AEOBOT_PORT=8080"}, "AEOBOT_PORT"}, // somebody means listen
		{[]string{"AEOBOT_SOMETHING=1", "AEOBOT_NAME=bot", "AEOBOT_LISTENER_SERVICE=x"}, "AEOBOT_LISTENER_SERVICE, AEOBOT_NAME, AEOBOT_SOMETHING"},
	}
	for _, tt := range tests {
		_, warnings, err := configs.Load("", tt.environ)
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], tt.want) {
			t.Errorf("%q: got %v, warnings %q, want one with %s", tt.environ, err, warnings, tt.want)
		}
	}
}

func TestFlagsWin(t *testing.T) {
	path := file(t, "c.yaml", "data_dir: from-file\nknowledge:\n  paths: [from-file]\n")
	c, _, err := configs.Load(path, []string{"AEOBOT_DATA_DIR=from-environment"},
		configs.Flag{Name: "--data", Key: "data_dir", Values: []string{"from-flag"}},
		configs.Flag{Name: "--knowledge", Key: "knowledge.paths", Values: []string{"a,b.txt", "c.txt"}})
	if err != nil || c.DataDir != "from-flag" || !reflect.DeepEqual(c.Knowledge.Paths, []string{"a,b.txt", "c.txt"}) {
		t.Errorf("got %q, %q, %v", c.DataDir, c.Knowledge.Paths, err)
	}
	if _, _, err := configs.Load("", nil, configs.Flag{Name: "--data", Key: "data_dir", Values: []string{""}}); err == nil || !strings.Contains(err.Error(), "data_dir (--data)") {
		t.Errorf("an empty folder: got %v", err)
	}
}

func TestLoadAccess(t *testing.T) {
	accounts := file(t, "accounts", "")
	pipe := accounts + ".pipe"
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	yaml := "a_key_of_tomorrow: 1\nsession:\n  ttl: soon\nconsole:\n  admins: [boss]\n  another: 2\n  accounts_file: " + accounts + "\ncuration:\n  coordinators: [lin.yue]\n"
	for _, tt := range []struct {
		name, yaml string
		environ    []string
		want       configs.Access
		err        string
	}{
		{"others' keys do not matter", yaml, []string{"AEOBOT_CONSOLE_READERS=zhao, qian", "AEOBOT_CONSOLE_READER=x"},
			configs.Access{Admins: []string{"boss"}, Coordinators: []string{"lin.yue"}, Readers: []string{"zhao", "qian"}}, ""},
		{"its own do", "console:\n  accounts: nonsense\n", nil, configs.Access{}, "console.accounts"},
		{"no YAML", "console: [", nil, configs.Access{}, "mend the YAML"},
		{"no file", "", []string{"AEOBOT_CONSOLE_PASSWORD_FILE=" + accounts + ".none"}, configs.Access{}, "console.password"},
		{"a pipe", "", []string{"AEOBOT_CONSOLE_PASSWORD_FILE=" + pipe}, configs.Access{}, configs.ErrOnce.Error()},
	} {
		got, err := configs.LoadAccess(file(t, "c.yaml", tt.yaml), tt.environ)
		if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) || tt.err == "" && (err != nil || !reflect.DeepEqual(got, tt.want)) {
			t.Errorf("%s: got %+v, %v; want %+v, %q", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// TestFilesForEverybody: what decides who may enter is refused when every user of this machine
// can change it, at the start and afterwards.
func TestFilesForEverybody(t *testing.T) {
	chmod := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	secret := file(t, "accounts", goodAccount("lin.yue", "coordinator"))
	settings := file(t, "c.yaml", "console:\n  accounts_file: "+secret+"\n")
	load := map[string]func() error{
		"file":             func() error { _, _, err := configs.Load(settings, nil); return err },
		"file, read again": func() error { _, err := configs.LoadAccess(settings, nil); return err },
		"environment": func() error {
			_, _, err := configs.Load("", []string{"AEOBOT_CONSOLE_ACCOUNTS_FILE=" + secret})
			return err
		},
		"environment, and again": func() error {
			_, err := configs.LoadAccess("", []string{"AEOBOT_CONSOLE_ACCOUNTS_FILE=" + secret})
			return err
		},
	}
	for _, tt := range []struct {
		path string
		mode os.FileMode
		both bool // settings by the environment, too
		want string
	}{
		{secret, 0o666, true, "run chmod o-w " + secret}, {secret, 0o602, true, "run chmod o-w " + secret}, {settings, 0o646, false, "run chmod o-w " + settings},
		{filepath.Dir(secret), 0o777, true, "run chmod o-w " + filepath.Dir(secret)}, {filepath.Dir(settings), 0o773, false, "run chmod o-w " + filepath.Dir(settings)},
		{secret, 0o664, true, ""}, {secret, 0o444, true, ""}, {settings, 0o644, true, ""}, {filepath.Dir(secret), 0o777 | os.ModeSticky, true, ""},
	} {
		before, err := os.Stat(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		chmod(tt.path, tt.mode)
		for name, load := range load {
			want := tt.want
			if !tt.both && strings.HasPrefix(name, "environment") {
				want = ""
			}
			if err := load(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s %o, %s: %v, want %q", tt.path, tt.mode, name, err, want)
			}
		}
		chmod(tt.path, before.Mode())
	}
}

// TestCustomerServiceThroughTheApplication: without a callback of its own, it needs that of
// the company's application.
func TestCustomerServiceThroughTheApplication(t *testing.T) {
	const key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	service := []string{"AEOBOT_WECOM_KF_CORP_ID=ww1", "AEOBOT_WECOM_KF_SECRET=s"}
	application := []string{"AEOBOT_WECOM_APP_CORP_ID=ww1", "AEOBOT_WECOM_APP_TOKEN=t", "AEOBOT_WECOM_APP_ENCODING_AES_KEY=" + key}
	own := []string{"AEOBOT_WECOM_KF_TOKEN=u", "AEOBOT_WECOM_KF_ENCODING_AES_KEY=" + key}
	for name, tt := range map[string]struct {
		environ [][]string
		wrong   string // empty: nothing is
	}{
		"through the application":        {[][]string{service, application}, ""},
		"its own":                        {[][]string{service, own}, ""},
		"both":                           {[][]string{service, own, application}, ""},
		"neither":                        {[][]string{service}, "AEOBOT_WECOM_KF_"},
		"an application that only sends": {[][]string{service, application[:1], {"AEOBOT_WECOM_APP_AGENT_ID=1", "AEOBOT_WECOM_APP_SECRET=s"}}, "AEOBOT_WECOM_KF_"},
		"half of its own":                {[][]string{service, application, own[:1]}, "AEOBOT_WECOM_KF_ENCODING_AES_KEY"},
		"another company's":              {[][]string{{"AEOBOT_WECOM_KF_CORP_ID=ww2"}, service[1:], application}, "wecom.app.corp_id"},
		"no secret":                      {[][]string{service[:1], application}, "AEOBOT_WECOM_KF_SECRET"},
		"another company's, its own":     {[][]string{{"AEOBOT_WECOM_KF_CORP_ID=ww2"}, service[1:], application, own}, ""},
	} {
		_, _, err := configs.Load("", slices.Concat(tt.environ...))
		if (err == nil) != (tt.wrong == "") || err != nil && !strings.Contains(err.Error(), tt.wrong) {
			t.Errorf("%s: got %v, want %q", name, err, tt.wrong)
		}
	}
}
