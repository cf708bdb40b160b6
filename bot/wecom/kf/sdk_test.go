package kf

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the SDK writes beside a type's msgtype and an event's event_type.
var (
	sdkKind  = regexp.MustCompile("json:\"(msgtype|event_type)\"` *// [^\n]*固定为：([a-z_]+)")
	sdkEvent = "event_type"
)

// TestSDKKnowsNothingThatWeDoNot lists the message types and events of the SDK's source: a
// customer who sends one is answered, and an event that we ignore is on a list here. A newer
// SDK that knows more fails until somebody has looked at it.
func TestSDKKnowsNothingThatWeDoNot(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/silenceper/wechat/v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "work", "kf", "syncmsg", "message.go"))
	if err != nil {
		t.Fatal(err)
	}
	kinds, events := []string{}, []string{}
	for _, m := range sdkKind.FindAllStringSubmatch(string(source), -1) {
		if m[1] == sdkEvent {
			events = append(events, m[2])
		} else if m[2] != "event" {
			kinds = append(kinds, m[2])
		}
	}
	if len(kinds) < 9 || len(events) < 4 {
		t.Fatalf("the SDK's source is not read: types %q, events %q", kinds, events)
	}
	b := newBench(t)
	k, _ := b.replica()
	for _, kind := range kinds {
		b.corp.CustomerWrites(account, "wm"+kind, "k-"+kind, kind, map[string]any{"content": "问"})
	}
	for _, event := range events {
		b.corp.CustomerWrites(account, "wm", "e-"+event, "event", map[string]any{"event_type": event, "open_kfid": account, "external_userid": "wm",
			"change_type": 3, "status": 1, "welcome_code": "wc-" + event})
	}
	b.nudge(k)
	b.wait("replies", func() bool { return len(b.seen()) == len(kinds)+1 })
	slices.Sort(kinds)
	for _, kind := range slices.Compact(kinds) {
		if !slices.ContainsFunc(b.seen(), func(s string) bool { return strings.HasPrefix(s, "wm"+kind+" ") }) {
			t.Errorf("a %s got no reply", kind)
		}
	}
	if n := b.count(OutcomeIgnored, 0); n != 0 {
		t.Errorf("%d of the SDK's events %q are not handled", n, events)
	}
}
