package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"aeobot/bot/wecom/api"
	"aeobot/bot/wecom/platform"
)

func TestSend(t *testing.T) {
	c := newCorp(t)
	s := c.sender(t)
	text := "设立AEO企业专用窗口 <&> \"引号\"\n第二行"
	card := json.RawMessage(`{"card_type":"button_interaction","main_title":{"title":"问"},"button_list":[{"text":"有用","key":"k"}],"task_id":"t1"}`)
	for _, err := range []error{
		s.SendText(t.Context(), "lin.yue", text, 0),
		s.SendMarkdown(t.Context(), "lin.yue", "**粗**", 59*time.Minute),
		s.SendCard(t.Context(), "lin.yue", card, 0),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		`{"touser":"lin.yue","msgtype":"text","agentid":1000017,"text":{"content":"设立AEO企业专用窗口 \u003c\u0026\u003e \"引号\"\n第二行"},"enable_duplicate_check":1,"duplicate_check_interval":60}`,
		`{"touser":"lin.yue","msgtype":"markdown","agentid":1000017,"markdown":{"content":"**粗**"},"enable_duplicate_check":1,"duplicate_check_interval":3600}`,
		`{"touser":"lin.yue","msgtype":"template_card","agentid":1000017,"template_card":{"card_type":"button_interaction","main_title":{"title":"问"},"button_list":[{"text":"有用","key":"k"}],"task_id":"t1"},"enable_duplicate_check":1,"duplicate_check_interval":60}`,
	}
	for i, call := range c.Calls("message/send") {
		if got := strings.TrimSpace(string(call.Body)); got != want[i] {
			t.Errorf("sent\n%s\nwant\n%s", got, want[i])
		}
	}
}

// TestUpdateCard changes a card once; its code does not work again.
func TestUpdateCard(t *testing.T) {
	c := newCorp(t)
	s := c.sender(t)
	if err := s.UpdateCard(t.Context(), "lin.yue", "rc-unknown", json.RawMessage(`{}`)); !errors.Is(err, api.ErrSpent) {
		t.Errorf("an unknown code: %v", err)
	}
	code := c.NewResponseCode()
	if err := s.UpdateCard(t.Context(), "lin.yue", code, json.RawMessage(`{"task_id":"t1"}`)); err != nil {
		t.Error(err)
	}
	err := s.UpdateCard(t.Context(), "lin.yue", code, json.RawMessage(`{"task_id":"t1"}`))
	if !errors.Is(err, api.ErrSpent) || strings.Contains(err.Error(), code) || strings.Contains(err.Error(), "lin.yue") {
		t.Errorf("a used code: %v", err)
	}
}

func TestSendRefuses(t *testing.T) {
	c := newCorp(t)
	s := c.sender(t)
	for _, tt := range []struct{ name, to, text string }{
		{"nobody", "", "你好"},
		{"everybody", "@all", "你好"},
		{"two people", "lin.yue|wang.lei", "你好"},
		{"id with a line break", "lin\nyue", "你好"},
		{"nothing", "lin.yue", ""},
		{"one byte too many", "lin.yue", strings.Repeat("海", 682) + "xxx"},
		{"half a character", "lin.yue", "海\xe6"},
	} {
		if err := s.SendText(context.Background(), tt.to, tt.text, 0); err == nil {
			t.Errorf("%s: SendText(%q, %d bytes) = nil, want an error", tt.name, tt.to, len(tt.text))
		}
	}
	if err := s.SendText(context.Background(), "lin.yue", strings.Repeat("海", 682)+"xx", 0); err != nil {
		t.Errorf("exactly %d bytes: %v", MaxBytes, err)
	}
	if got := len(c.Sent()); got != 1 {
		t.Errorf("platform got %d messages, want 1", got)
	}
}

// TestRecipientNamedInvalid: errcode is 0 although nobody got the message.
func TestRecipientNamedInvalid(t *testing.T) {
	for _, field := range []string{"invaliduser", "unlicenseduser"} {
		c := newCorp(t)
		c.onSend = func(w http.ResponseWriter, _ *http.Request, _ int) {
			io.WriteString(w, `{"errcode":0,"errmsg":"ok","`+field+`":"lin.yue"}`)
		}
		if err := c.sender(t).SendText(t.Context(), "lin.yue", "你好", 0); !errors.Is(err, api.ErrRecipient) {
			t.Errorf("%s: %v, want ErrRecipient", field, err)
		}
	}
}

// TestTroubleIsNamed: what an operator must mend is kept until a call succeeds.
func TestTroubleIsNamed(t *testing.T) {
	for _, code := range []int{60020, 45009, 45033, 48002, 50003} {
		c := newCorp(t)
		client, err := api.New(api.Options{BaseURL: baseURL, CorpID: c.ID, AgentID: testAgent, Secret: c.Secret, Now: nil})
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewSender(client, testAgent)
		if err != nil {
			t.Fatal(err)
		}
		c.SetFaults(platform.APIFaults{Codes: map[string][]int{"message/send": {code}}})
		sent := s.SendText(t.Context(), "lin.yue", "你好", 0)
		if client.Trouble() == nil || sent == nil || client.Trouble().Error() != sent.Error() || strings.Contains(sent.Error(), "lin.yue") {
			t.Errorf("%d: sending %v, trouble %v", code, sent, client.Trouble())
		}
		if code == 60020 && !strings.Contains(sent.Error(), "203.0.113.7") {
			t.Errorf("the address to trust is not named: %v", sent)
		}
		if code == 45009 {
			continue // the client pauses for a minute
		}
		if err := s.SendText(t.Context(), "lin.yue", "你好", 0); err != nil || client.Trouble() != nil {
			t.Errorf("%d: after it was mended: %v, trouble %v", code, err, client.Trouble())
		}
	}
}
