package configs_test

import (
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
