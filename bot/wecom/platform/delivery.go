package platform

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"aeobot/bot/wecom/envelope"
)

// Endpoint is where the bot takes the callbacks of one product: signed and encrypted
// POSTs, again after five seconds without an answer (pages 100719, 101033, 90238).
type Endpoint struct {
	URL   string
	Codec *envelope.Codec
	// Wait is how long one delivery may take, and Tries how many there are.
	//
	// default: 5 seconds and 3
	Wait  time.Duration
	Tries int
	// Chaos disturbs deliveries.
	//
	// default: none
	Chaos *Chaos
}

// dialect is how a product writes the envelope.
type dialect struct {
	contentType string
	wrap        func(ciphertext string) ([]byte, error)
	unwrap      func(answer []byte) (signature, timestamp, nonce, ciphertext string, err error)
}

// inJSON is the AI bot's envelope, inXML that of applications and customer service.
var (
	inJSON = dialect{"application/json", wrapJSON, unwrapJSON}
	inXML  = dialect{"text/xml", wrapXML, unwrapXML}
)

func wrapJSON(ciphertext string) ([]byte, error) {
	return json.Marshal(map[string]string{"encrypt": ciphertext})
}

func unwrapJSON(answer []byte) (signature, timestamp, nonce, ciphertext string, err error) {
	var e struct {
		Encrypt   string      `json:"encrypt"`
		Signature string      `json:"msgsignature"`
		Timestamp json.Number `json:"timestamp"`
		Nonce     string      `json:"nonce"`
	}
	err = json.Unmarshal(answer, &e)
	return e.Signature, e.Timestamp.String(), e.Nonce, e.Encrypt, err
}

func wrapXML(ciphertext string) ([]byte, error) {
	return []byte("<xml><ToUserName><![CDATA[]]></ToUserName><Encrypt><![CDATA[" + ciphertext + "]]></Encrypt></xml>"), nil
}

func unwrapXML(answer []byte) (signature, timestamp, nonce, ciphertext string, err error) {
	f, err := envelope.Fields(answer, "Encrypt", "MsgSignature", "TimeStamp", "Nonce")
	return f["MsgSignature"], f["TimeStamp"], f["Nonce"], f["Encrypt"], err
}

// deliver delivers a callback until it is answered, and gives the plaintext answer; an
// empty one says nothing.
func (e *Endpoint) deliver(ctx context.Context, d dialect, plain []byte) (answer []byte, err error) {
	tries := e.Tries
	if tries == 0 {
		tries = 3
	}
	var twin sync.WaitGroup
	if e.Chaos.happens("a callback delivered twice at once", 0.1) {
		// The platform shows one of two equal answers: its stream has one id.
		twin.Go(func() { _, _ = e.post(ctx, d, plain) })
	}
	defer twin.Wait()
	for try := 1; try <= tries; try++ {
		answer, err = e.post(ctx, d, plain)
		if try < tries && e.Chaos.happens("a callback's answer lost, delivered again", 0.1) {
			continue
		}
		if err == nil || ctx.Err() != nil {
			return answer, err
		}
	}
	return answer, err
}

// maxReplyBytes bounds what is read of an answer: 20 KB of text, encrypted.
const maxReplyBytes = 1 << 20

// post is one delivery.
func (e *Endpoint) post(ctx context.Context, d dialect, plain []byte) ([]byte, error) {
	wait := e.Wait
	if wait == 0 {
		wait = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	sealed, err := e.Codec.Seal(plain, strconv.FormatInt(time.Now().Unix(), 10), rand.Text())
	if err != nil {
		return nil, err
	}
	query := url.Values{"msg_signature": {sealed.Signature}, "timestamp": {sealed.Timestamp}, "nonce": {sealed.Nonce}}
	body, err := d.wrap(sealed.Encrypt)
	if err != nil {
		return nil, fmt.Errorf("platform: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL+"?"+query.Encode(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("platform: callback: %w", err)
	}
	request.Header.Set("Content-Type", d.contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("platform: callback: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxReplyBytes))
	if err != nil {
		return nil, fmt.Errorf("platform: callback: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("platform: the bot answered %d", response.StatusCode)
	}
	if len(answer) == 0 {
		return nil, nil
	}
	signature, timestamp, nonce, ciphertext, err := d.unwrap(answer)
	if err == nil {
		answer, err = e.Codec.Open(signature, timestamp, nonce, ciphertext)
	}
	if err != nil {
		return nil, fmt.Errorf("platform: the bot's answer: %w", err)
	}
	return answer, nil
}
