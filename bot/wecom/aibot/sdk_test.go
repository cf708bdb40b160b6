package aibot

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sdkTypes are the type declarations of the platform's own SDK, which the tests of the
// program install.
const sdkTypes = "../../../cmd/aeobot/testdata/wecom-client/node_modules/@wecom/aibot-node-sdk/dist/types"

// sdkValues are the values of an enumeration, or of an object of constants, of the SDK.
func sdkValues(t *testing.T, file, name string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(sdkTypes, file))
	if os.IsNotExist(err) && os.Getenv("AEOBOT_TEST_REQUIRE") == "" {
		t.Skip("the SDK is not installed: make tools")
	}
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(data), " "+name+" {")
	if !found {
		_, rest, found = strings.Cut(string(data), " "+name+": {")
	}
	block, _, closed := strings.Cut(rest, "\n}")
	var values []string
	for _, m := range regexp.MustCompile(`(?m)^\s*(?:readonly )?\w+\s*[:=]\s*"([^"]+)"`).FindAllStringSubmatch(block, -1) {
		values = append(values, m[1])
	}
	if !found || !closed || len(values) == 0 {
		t.Fatalf("%s has no %s: where does the SDK list these now?", file, name)
	}
	return values
}

// TestWeKnowWhatTheSDKKnows fails when a newer SDK has a command or a type that we do not
// read: decide what is to be done with it.
func TestWeKnowWhatTheSDKKnows(t *testing.T) {
	sent := []string{cmdSubscribe, cmdPing, cmdRespond, cmdWelcome, cmdUpdate, cmdSend,
		"aibot_upload_media_init", "aibot_upload_media_chunk", "aibot_upload_media_finish"} // the bot sends no files
	for _, command := range sdkValues(t, "api.d.ts", "WsCmd") {
		f, err := readFrame([]byte(`{"cmd":"` + command + `","headers":{"req_id":"r"},"body":{"msgtype":"text"}}`))
		if err != nil || !f.callback() && !slices.Contains(sent, command) {
			t.Errorf("command %s: neither sent nor taken for a callback (%v)", command, err)
		}
	}
	for _, kind := range sdkValues(t, "message.d.ts", "MessageType") {
		b := newBench(t, "")
		b.send(`{` + alone + `"msgtype":"` + kind + `","` + kind + `":{"content":"话","url":"https://f.invalid/1"}}`)
		if strings.Contains(b.log.String(), "unknown kind") {
			t.Errorf("message of kind %s: not known", kind)
		}
	}
	for _, kind := range sdkValues(t, "event.d.ts", "EventType") {
		if !slices.Contains([]string{eventEnter, eventCard, eventFeedback, eventDisconnected}, kind) {
			t.Errorf("event %s: not known", kind)
		}
	}
	quoted, err := os.ReadFile(filepath.Join(sdkTypes, "message.d.ts"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`interface QuoteContent \{[^}]*msgtype: ([^;]+);`).FindSubmatch(quoted)
	if kinds == nil {
		t.Fatal("message.d.ts has no QuoteContent: where does the SDK list what can be quoted now?")
	}
	for _, m := range regexp.MustCompile(`'(\w+)'`).FindAllSubmatch(kinds[1], -1) {
		if kind := string(m[1]); !slices.Contains([]string{"text", "image", "mixed", "voice", "file"}, kind) {
			t.Errorf("quotation of kind %s: is its text read?", kind)
		}
	}
}
