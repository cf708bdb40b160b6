package envelope

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/silenceper/wechat/v2/util"
)

// vector is one case of testdata/vectors.json, made with an implementation of its
// own and checked against the platform's npm package.
type vector struct {
	Name           string
	Stage          string
	Product        string
	Token          string
	EncodingAESKey string
	ReceiveID      string
	Timestamp      string
	Nonce          string
	RandomHex      string `json:"random_hex"`
	Plaintext      string
	Encrypt        string
	Signature      string
	AESKey         string
	ContentBase64  string `json:"content_base64"`
	CipherBase64   string `json:"cipher_base64"`
	Method         string
	Query          string
	Body           string
	AnswerStatus   int    `json:"answer_status"`
	AnswerBody     string `json:"answer_body"`
	Decrypted      string
}

type vectorFile struct {
	Valid, Invalid, Either, Media, Exchanges []vector
	MediaInvalid                             []vector `json:"media_invalid"`
}

func vectors(t testing.TB) vectorFile {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectorFile
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Valid) != 56 || len(v.Invalid) != 48 || len(v.Either) != 8 || len(v.Media) != 8 || len(v.MediaInvalid) != 5 || len(v.Exchanges) != 5 {
		t.Fatalf("vectors are not complete: %d valid, %d invalid, %d either, %d media, %d invalid media, %d exchanges",
			len(v.Valid), len(v.Invalid), len(v.Either), len(v.Media), len(v.MediaInvalid), len(v.Exchanges))
	}
	return v
}

func (v vector) codec(t testing.TB) *Codec {
	t.Helper()
	c, err := New(v.Token, v.EncodingAESKey, v.ReceiveID)
	if err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	return c
}

func TestValidVectors(t *testing.T) {
	for _, v := range vectors(t).Valid {
		c := v.codec(t)
		got, err := c.Open(v.Signature, v.Timestamp, v.Nonce, v.Encrypt)
		if err != nil || string(got) != v.Plaintext {
			t.Errorf("%s: opened %q, %v; want %q", v.Name, got, err, v.Plaintext)
		}
		random, err := hex.DecodeString(v.RandomHex)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := c.seal(random, []byte(v.Plaintext), v.Timestamp, v.Nonce)
		if want := (Sealed{v.Encrypt, v.Signature, v.Timestamp, v.Nonce}); err != nil || sealed != want {
			t.Errorf("%s: sealed %+v, %v; want %+v", v.Name, sealed, err, want)
		}
	}
}

func TestSettingsAreNamedButNotShown(t *testing.T) {
	const goodKey = "te14ZlK3MlqiugXJ8TbCdITZiLkq0BrtVC6jySSamXJ"
	for name, tt := range map[string]struct{ token, key, want string }{
		"no token":             {"", goodKey, "token"},
		"key cut while copied": {"hP9vQmZr3", goodKey[:42], "encoding_aes_key"},
		"key with its =":       {"hP9vQmZr3", goodKey + "=", "encoding_aes_key"},
		"key, full-width":      {"hP9vQmZr3", "ｔｅ" + goodKey[6:], "encoding_aes_key"},
		"key with a break":     {"hP9vQmZr3", goodKey[:42] + "\n", "encoding_aes_key"},
	} {
		_, err := New(tt.token, tt.key, "")
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), goodKey[8:20]) {
			t.Errorf("%s: got %v, want %s named and no value", name, err, tt.want)
		}
	}
}

// stages maps the check that a vector must fail to the error that says so.
var stages = map[string]error{
	"signature": ErrSignature, "receiveid": ErrReceiveID, "base64": ErrBase64, "message length": ErrLength,
	"padding": ErrPadding, "block length": ErrBlockLength, "header": ErrHeader,
}

func TestInvalidVectors(t *testing.T) {
	for _, v := range vectors(t).Invalid {
		c, err := New(v.Token, v.EncodingAESKey, v.ReceiveID)
		if v.Stage == "key" {
			if err == nil || !strings.Contains(err.Error(), "encoding_aes_key") {
				t.Errorf("%s: got %v, want the key refused", v.Name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		got, err := c.Open(v.Signature, v.Timestamp, v.Nonce, v.Encrypt)
		if want := stages[v.Stage]; want == nil || !errors.Is(err, want) || got != nil {
			t.Errorf("%s: got %q, %v; want nothing and %v", v.Name, got, err, want)
		}
	}
}

func TestEitherVectors(t *testing.T) {
	want := map[string]error{
		"inconsistent padding bytes":               ErrPadding,
		"padded to 16 instead of 32, 48 bytes":     nil,
		"receiveid present although none expected": ErrReceiveID,
		"signature in upper case":                  ErrSignature,
		"base64 with a line break":                 ErrBase64,
		"base64 without its = padding":             ErrBase64,
		"plaintext is not UTF-8":                   ErrUTF8,
		"timestamp years old":                      nil, // the receiver judges the clock
	}
	for _, v := range vectors(t).Either {
		choice, known := want[v.Name]
		if !known {
			t.Errorf("%s: no choice made", v.Name)
		}
		for range 3 {
			if _, err := v.codec(t).Open(v.Signature, v.Timestamp, v.Nonce, v.Encrypt); !errors.Is(err, choice) {
				t.Errorf("%s: got %v, want %v", v.Name, err, choice)
			}
		}
	}
}

func TestMediaVectors(t *testing.T) {
	all := vectors(t)
	for _, v := range all.Media {
		ciphertext, _ := base64.StdEncoding.DecodeString(v.CipherBase64)
		got, err := OpenMedia(v.AESKey, ciphertext)
		if err != nil || base64.StdEncoding.EncodeToString(got) != v.ContentBase64 {
			t.Errorf("%s: got %d bytes, %v", v.Name, len(got), err)
		}
	}
	for _, v := range all.MediaInvalid {
		ciphertext, _ := base64.StdEncoding.DecodeString(v.CipherBase64)
		if got, err := OpenMedia(v.AESKey, ciphertext); err == nil || got != nil {
			t.Errorf("%s: opened %d bytes", v.Name, len(got))
		}
	}
}

func TestOneBitChanged(t *testing.T) {
	for _, v := range vectors(t).Valid {
		c := v.codec(t)
		for part, text := range map[string]string{"signature": v.Signature, "timestamp": v.Timestamp, "nonce": v.Nonce, "ciphertext": v.Encrypt} {
			for _, at := range []int{0, len(text) / 2, len(text) - 1} {
				changed := []byte(text)
				changed[at] ^= 1
				a := map[string]string{"signature": v.Signature, "timestamp": v.Timestamp, "nonce": v.Nonce, "ciphertext": v.Encrypt}
				a[part] = string(changed)
				if _, err := c.Open(a["signature"], a["timestamp"], a["nonce"], a["ciphertext"]); !errors.Is(err, ErrSignature) {
					t.Errorf("%s, %s changed at %d: got %v, want %v", v.Name, part, at, err, ErrSignature)
				}
			}
		}
	}
}

// TestAgainstTheLibrary holds our codec against silenceper/wechat where both apply.
func TestAgainstTheLibrary(t *testing.T) {
	compared := 0
	for _, v := range vectors(t).Valid {
		if got := util.Signature(v.Token, v.Timestamp, v.Nonce, v.Encrypt); got != v.codec(t).sign(v.Timestamp, v.Nonce, v.Encrypt) {
			t.Errorf("%s: the library signs %s", v.Name, got)
		}
		if v.ReceiveID == "" {
			continue // the library refuses these
		}
		compared++
		sealed, err := v.codec(t).Seal([]byte(v.Plaintext), v.Timestamp, v.Nonce)
		if err != nil {
			t.Fatal(err)
		}
		if _, got, err := util.DecryptMsg(v.ReceiveID, sealed.Encrypt, v.EncodingAESKey); err != nil || string(got) != v.Plaintext {
			t.Errorf("%s: the library opens ours as %q, %v", v.Name, got, err)
		}
	}
	if compared == 0 {
		t.Error("no vector was compared")
	}
}

func TestSealIsRandomAndOpens(t *testing.T) {
	c := vectors(t).Valid[0].codec(t)
	seen := map[string]bool{}
	for range 100 {
		s, err := c.Seal([]byte("同一句话"), "1760000000", "n")
		if err != nil || seen[s.Encrypt] {
			t.Fatalf("sealed twice alike (%v)", err)
		}
		seen[s.Encrypt] = true
		if got, err := c.Open(s.Signature, s.Timestamp, s.Nonce, s.Encrypt); err != nil || string(got) != "同一句话" {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	all := vectors(f)
	for _, v := range all.Valid {
		f.Add(v.Encrypt, v.Plaintext)
	}
	for _, v := range all.Invalid {
		f.Add(v.Encrypt, "")
	}
	c := all.Valid[0].codec(f)
	f.Fuzz(func(t *testing.T, encrypted, message string) {
		// Signed or not, foreign bytes never panic; what opens is what Seal makes of it.
		got, err := c.Open(c.sign("1", "n", encrypted), "1", "n", encrypted)
		if err != nil && got != nil {
			t.Errorf("%q: an error and %q", encrypted, got)
		}
		if err == nil && !bytes.Equal(payloadOf(t, c, encrypted), payloadOf(t, c, resealed(t, c, encrypted, got))) {
			t.Errorf("%q opened as %q, but is not its envelope", encrypted, got)
		}
		if _, err := c.Open("", "1", "n", encrypted); !errors.Is(err, ErrSignature) {
			t.Errorf("unsigned: %v", err)
		}
		s, err := c.Seal([]byte(message), "1", "n")
		if err != nil {
			return // not UTF-8
		}
		if got, err := c.Open(s.Signature, "1", "n", s.Encrypt); err != nil || string(got) != message {
			t.Errorf("%q came back as %q, %v", message, got, err)
		}
	})
}

// payloadOf is all that was encrypted, without the padding (16 and 32 are both taken).
func payloadOf(t *testing.T, c *Codec, encrypted string) []byte {
	t.Helper()
	ciphertext, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := decrypt(c.block, c.iv, ciphertext)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// resealed seals message with the random bytes of another envelope.
func resealed(t *testing.T, c *Codec, encrypted string, message []byte) string {
	t.Helper()
	s, err := c.seal(payloadOf(t, c, encrypted)[:randomLength], message, "1", "n")
	if err != nil {
		t.Fatal(err)
	}
	return s.Encrypt
}

func FuzzOpenMedia(f *testing.F) {
	for _, v := range vectors(f).Media {
		ciphertext, _ := base64.StdEncoding.DecodeString(v.CipherBase64)
		f.Add(v.AESKey, ciphertext)
	}
	f.Fuzz(func(t *testing.T, key string, ciphertext []byte) {
		if got, err := OpenMedia(key, ciphertext); err == nil && len(got) >= len(ciphertext) {
			t.Errorf("%d bytes out of %d", len(got), len(ciphertext))
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	c := vectors(b).Valid[0].codec(b)
	s, err := c.Seal([]byte(strings.Repeat("x", 1000)), "1", "n")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(1000)
	for b.Loop() {
		if _, err := c.Open(s.Signature, "1", "n", s.Encrypt); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	c := vectors(b).Valid[0].codec(b)
	message := []byte(strings.Repeat("x", 1000))
	b.SetBytes(1000)
	for b.Loop() {
		if _, err := c.Seal(message, "1", "n"); err != nil {
			b.Fatal(err)
		}
	}
}
