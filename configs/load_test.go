package configs_test

import (
	"reflect"
	"strings"
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
