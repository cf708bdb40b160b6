package main

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
)

// TestOfficialSDKSaysEverything: the platform's own SDK says all it has a function or a type
// for to the stand-in, which takes what the platform takes and refuses what it refuses, with
// its codes.
func TestOfficialSDKSaysEverything(t *testing.T) {
	t.Parallel()
	g, url := newGateway(t)
	_, out := startNode(t, "types.mjs", url, g.BotID, g.Secret)
	lines := bufio.NewScanner(out)
	expect := func(want ...string) {
		t.Helper()
		for _, w := range want {
			if !lines.Scan() {
				t.Fatalf("the SDK ended before %q", w)
			}
			if lines.Text() != w {
				t.Errorf("the SDK says %q, want %q", lines.Text(), w)
			}
		}
	}
	expect("authenticated")
	g.Deliver(t.Context(), "aibot_msg_callback", "cb-1", aibotText("m1", "", "u1", "全部"))
	expect("stream 0", "stream finished 0", "stream finished again 0", "stream non-blocking 0")
	for _, card := range []string{"text_notice", "news_notice", "button_interaction", "vote_interaction", "multiple_interaction"} {
		expect("card "+card+" 0", "stream with "+card+" 0", "push "+card+" 0")
	}
	expect("markdown 0", "push markdown 0")
	for _, kind := range []string{"file", "image", "voice", "video"} {
		expect("upload "+kind+" 0", "reply "+kind+" 0", "push "+kind+" 0")
	}
	expect("too long stream 45002", "too long markdown 45002", "too long push 45002",
		"text for a reply 40008", "stream for a push 40008",
		"other words after the end 846608", "unfinished after the end 846608",
		"push to nobody 93006", "no such media 40007", "picture before the end 40058",
		"stream for an unknown request 846605", "long feedback id 40058", "done")
	about := `"aibotid":"aib1","chattype":"single","from":{"userid":"u1"}`
	for _, kind := range []string{"image", "mixed", "voice", "file", "video"} {
		part := `{"url":"https://files.invalid/1","aeskey":"k","content":"话","msg_item":[{"msgtype":"text","text":{"content":"话"}}]}`
		g.Deliver(t.Context(), "aibot_msg_callback", "cb-"+kind, fmt.Sprintf(`{"msgid":%q,%s,"msgtype":%q,%q:%s}`, kind, about, kind, kind, part))
		expect("read " + kind)
	}
	event := func(id, kind, part string) {
		g.Deliver(t.Context(), "aibot_event_callback", id, fmt.Sprintf(`{"msgid":%q,%s,"msgtype":"event","event":{"eventtype":%q,%q:%s}}`, id, about, kind, kind, part))
	}
	event("ev-1", "enter_chat", `{}`)
	expect("stream for an event 846605", "welcome 0", "welcome card 0", "welcome in Markdown 40008")
	event("ev-2", "template_card_event", `{"event_key":"yes","task_id":"task-x"}`)
	expect("update 0", "welcome for a button 846605")
	event("ev-3", "feedback_event", `{"id":"f-1","type":1}`)
	expect("read feedback_event")
	if chunks := g.Received("aibot_upload_media_chunk"); len(chunks) != 8 || strings.Contains(string(chunks[0].Body), `"chunk_index":1`) {
		t.Errorf("%d chunks of four files of two", len(chunks))
	}
}
