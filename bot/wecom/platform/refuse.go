package platform

import (
	"crypto/md5" // the platform's own checksum, not a secret
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// Codes of the real gateway.
const (
	codeOK            = 0
	codeRefused       = 853000 // wrong bot id or secret
	codeOver          = 846604 // the time to answer this request is over
	codeBadRequestID  = 846605 // unknown, of another connection, or of an event that takes no such reply
	codeStreamOver    = 846608
	codeNotSubscribed = 846609
	codeBadChat       = 93006
	codeClient        = 600039 // device type not support
	codeBadKind       = 40008  // this type is not taken there
	codeBadBody       = 40058
	codeBadMedia      = 40007
	codeEmpty         = 44004
	codeTooLong       = 45002
)

// Lives of what the gateway remembers.
const (
	requestLife = 24 * time.Hour
	// streamLife is counted from a stream's first frame, and streamSilence from its last:
	// after that a frame is acknowledged and not shown.
	streamLife    = 10 * time.Minute
	streamSilence = 6 * time.Minute
)

// request is a message or an event that a bot may reply to.
type request struct {
	chat string
	kind string // message, or the event's type
	at   time.Time
}

const kindMessage = "message"

// newRequest reads who is spoken to by the replies to a callback.
func newRequest(body string, now time.Time) request {
	var b struct {
		MsgType string `json:"msgtype"`
		Event   struct {
			Type string `json:"eventtype"`
		} `json:"event"`
	}
	_ = json.Unmarshal([]byte(body), &b) // tests deliver what is none
	r := request{chat: conversation(body), kind: kindMessage, at: now}
	if b.MsgType == "event" {
		r.kind = b.Event.Type
	}
	return r
}

// gatewayStream is a stream as far as it has got.
type gatewayStream struct {
	began, last time.Time
	finished    bool
	content     string
}

// judge gives the code with which a frame is answered, and whether what it says is seen;
// g.mu is held.
func (g *Gateway) judge(c *client, f wire) (code int, unseen bool) {
	switch {
	case f.Command == "aibot_subscribe":
		return g.login(f.Body), false
	case f.Command == "ping" && !c.unsubscribed:
		return codeOK, false
	case g.current != c:
		return codeNotSubscribed, false
	}
	var s said
	if len(f.Body) > 0 && json.Unmarshal(f.Body, &s) != nil {
		return codeBadBody, false
	}
	r, open := g.open[f.Headers.RequestID]
	switch f.Command {
	case "aibot_respond_msg":
		if !open || r.kind != kindMessage {
			return codeBadRequestID, false
		}
		return g.judgeReply(r, s)
	case "aibot_respond_welcome_msg":
		if !open || r.kind != "enter_chat" {
			return codeBadRequestID, false
		}
		return g.form(s, "text", "template_card"), false
	case "aibot_respond_update_msg":
		if !open || r.kind != "template_card_event" {
			return codeBadRequestID, false
		}
		if s.ResponseType != "update_template_card" {
			return codeBadKind, false
		}
		return cardForm(s.Card), false
	case "aibot_send_msg":
		if !g.known[s.ChatID] {
			return codeBadChat, false
		}
		if s.MsgType == "template_card" && s.ChatType == 2 {
			return codeBadKind, false // cards are for talks with one person
		}
		return g.form(s, "markdown", "template_card", "file", "image", "voice", "video"), false
	case "aibot_upload_media_init", "aibot_upload_media_chunk", "aibot_upload_media_finish":
		return codeOK, false // judged by upload
	}
	return codeBadBody, false
}

func (g *Gateway) judgeReply(r request, s said) (code int, unseen bool) {
	if g.now().Sub(r.at) > requestLife {
		return codeOver, false
	}
	if code = g.form(s, "stream", "stream_with_template_card", "template_card", "markdown", "file", "image", "voice", "video"); code != codeOK {
		return code, false
	}
	if s.Stream.ID == "" {
		return codeOK, false
	}
	before := g.streams[s.Stream.ID]
	switch now := g.now(); {
	case before == nil:
		return codeOK, false
	case now.Sub(before.began) > streamLife:
		return codeStreamOver, false
	case before.finished && (!s.Stream.Finish || s.Stream.Content != before.content):
		return codeStreamOver, false // the same once more does no harm
	default:
		return codeOK, !before.finished && now.Sub(before.last) > streamSilence
	}
}

// flows notes a frame of a stream that was taken; g.mu is held.
func (g *Gateway) flows(s said, unseen bool) {
	if s.Stream.ID == "" {
		return
	}
	if g.streams == nil {
		g.streams = map[string]*gatewayStream{}
	}
	st := g.streams[s.Stream.ID]
	if st == nil {
		st = &gatewayStream{began: g.now()}
		g.streams[s.Stream.ID] = st
	}
	if !unseen {
		st.last, st.finished, st.content = g.now(), s.Stream.Finish, s.Stream.Content
	}
}

// form gives the code with which a message is refused for what it is; codeOK: it is not.
func (g *Gateway) form(s said, kinds ...string) int {
	if !slices.Contains(kinds, s.MsgType) {
		return codeBadKind
	}
	switch s.MsgType {
	case "text":
		return textForm(s.Text.Content, nil)
	case "markdown":
		return textForm(s.Markdown.Content, s.Markdown.Feedback)
	case "template_card":
		return cardForm(s.Card)
	case "file", "image", "voice", "video":
		return g.mediaForm(s)
	}
	if code := streamForm(s); code != codeOK || s.MsgType == "stream" || len(s.Card) == 0 {
		return code
	}
	return cardForm(s.Card)
}

// textForm judges a text that does not grow.
func textForm(content string, f *feedbackID) int {
	switch {
	case content == "":
		return codeEmpty
	case len(content) > maxStreamBytes:
		return codeTooLong
	case f != nil && (f.ID == "" || len(f.ID) > maxFeedbackBytes):
		return codeBadBody
	}
	return codeOK
}

const (
	maxPictures     = 10
	maxPictureBytes = 10 << 20
)

func streamForm(s said) int {
	t := s.Stream
	switch {
	case t.ID == "", !utf8.ValidString(t.Content), len(t.Pictures) > maxPictures, len(t.Pictures) > 0 && !t.Finish:
		return codeBadBody
	case len(t.Content) > maxStreamBytes:
		return codeTooLong
	case t.Feedback != nil && (t.Feedback.ID == "" || len(t.Feedback.ID) > maxFeedbackBytes):
		return codeBadBody
	}
	for _, p := range t.Pictures {
		data, err := base64.StdEncoding.DecodeString(p.Image.Base64)
		sum := md5.Sum(data)
		if err != nil || p.MsgType != "image" || len(data) > maxPictureBytes || hex.EncodeToString(sum[:]) != p.Image.MD5 {
			return codeBadBody
		}
	}
	return codeOK
}

// cardNeeds are the fields that a card of each type must have (page 101032).
var cardNeeds = map[string][]string{
	"text_notice":          {"card_action"},
	"news_notice":          {"main_title", "card_action"},
	"button_interaction":   {"main_title", "button_list", "task_id"},
	"vote_interaction":     {"main_title", "checkbox", "submit_button", "task_id"},
	"multiple_interaction": {"main_title", "select_list", "submit_button"},
}

// cardForm judges a card; those that the page shows as strictly as that does.
func cardForm(data json.RawMessage) int {
	var fields map[string]json.RawMessage
	var kind struct {
		Type string `json:"card_type"`
	}
	if json.Unmarshal(data, &fields) != nil || json.Unmarshal(data, &kind) != nil || cardNeeds[kind.Type] == nil {
		return codeBadBody
	}
	for _, name := range cardNeeds[kind.Type] {
		if len(fields[name]) == 0 {
			return codeBadBody
		}
	}
	if _, err := readCard(data); kind.Type == "button_interaction" && err != nil {
		return codeBadBody
	}
	return codeOK
}

// mediaForm judges a message that is a file.
func (g *Gateway) mediaForm(s said) int {
	m := map[string]mediaID{"file": s.File, "image": s.Image, "voice": s.Voice, "video": s.Video}[s.MsgType]
	if kind, ok := g.media[m.ID]; !ok || kind != s.MsgType {
		return codeBadMedia
	}
	return codeOK
}

// upload is a file on its way.
type upload struct {
	kind   string
	size   int
	sum    string
	chunks [][]byte
}

// Limits of uploads (page 101463).
const (
	leastUpload   = 5
	maxChunks     = 100
	maxChunkBytes = 512 << 10
	maxFileName   = 256
)

var maxMediaBytes = map[string]int{"image": 2 << 20, "voice": 2 << 20, "video": 10 << 20, "file": 20 << 20}

// uploads takes a frame of an upload and gives what it is answered with; g.mu is held.
func (g *Gateway) uploads(f wire) (code int, answer map[string]string) {
	var b struct {
		Type     string `json:"type"`
		FileName string `json:"filename"`
		Size     int    `json:"total_size"`
		Chunks   int    `json:"total_chunks"`
		MD5      string `json:"md5"`
		ID       string `json:"upload_id"`
		Index    int    `json:"chunk_index"`
		Data     []byte `json:"base64_data"`
	}
	if json.Unmarshal(f.Body, &b) != nil {
		return codeBadBody, nil
	}
	if f.Command == "aibot_upload_media_init" {
		most, known := maxMediaBytes[b.Type]
		if !known || b.FileName == "" || len(b.FileName) > maxFileName || b.Size < leastUpload || b.Size > most || b.Chunks < 1 || b.Chunks > maxChunks {
			return codeBadBody, nil
		}
		if g.uploading == nil {
			g.uploading, g.media = map[string]*upload{}, map[string]string{}
		}
		g.serial++
		id := fmt.Sprint("upload-", g.serial)
		g.uploading[id] = &upload{kind: b.Type, size: b.Size, sum: b.MD5, chunks: make([][]byte, b.Chunks)}
		return codeOK, map[string]string{"upload_id": id}
	}
	u := g.uploading[b.ID]
	if u == nil {
		return codeBadMedia, nil
	}
	if f.Command == "aibot_upload_media_chunk" {
		if b.Index < 0 || b.Index >= len(u.chunks) || len(b.Data) == 0 || len(b.Data) > maxChunkBytes {
			return codeBadBody, nil
		}
		u.chunks[b.Index] = b.Data
		return codeOK, nil
	}
	whole := slices.Concat(u.chunks...)
	sum := md5.Sum(whole)
	if len(whole) != u.size || u.sum != "" && u.sum != hex.EncodeToString(sum[:]) {
		return codeBadBody, nil
	}
	delete(g.uploading, b.ID)
	g.serial++
	id := fmt.Sprint("media-", g.serial)
	g.media[id] = u.kind
	return codeOK, map[string]string{"type": u.kind, "media_id": id, "created_at": fmt.Sprint(g.now().Unix())}
}
