// Package envelope is the wrapping of WeCom's callbacks: signature, AES and
// padding (codec.go), downloaded media (media.go), and the HTTP side both products
// share (receiver.go). It knows nothing of what the messages say.
//
// The rules are those of WeCom's documentation pages 90238, 91144 and 101033, as
// read in November 2026. silenceper/wechat has a codec too, but cannot open an
// empty receiveid, which AI bots have; the tests hold ours against it where both
// apply.
package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Why an envelope was refused. Whoever sent it must not learn which of them it
// was, except for the signature; they are for the log and for counters.
var (
	// ErrSignature means msg_signature does not match; the channel answers 401, no body.
	ErrSignature   = errors.New("envelope: signature mismatch")
	ErrBase64      = errors.New("envelope: ciphertext is no base64")
	ErrBlockLength = errors.New("envelope: ciphertext is no whole number of blocks")
	ErrPadding     = errors.New("envelope: wrong padding")
	ErrHeader      = errors.New("envelope: payload shorter than its header")
	ErrLength      = errors.New("envelope: declared length exceeds the payload")
	ErrReceiveID   = errors.New("envelope: meant for another receiveid")
	ErrUTF8        = errors.New("envelope: message is not UTF-8")
)

const (
	keyLength    = 43 // characters of an EncodingAESKey
	randomLength = 16 // bytes before the length field
	headerLength = randomLength + 4
	paddingUnit  = 32 // bytes; twice the block of AES
)

// Codec opens and seals the envelopes of one product. It may be used by many at once.
type Codec struct {
	token     string
	receiveID string
	block     cipher.Block
	iv        []byte
	naming    []byte
}

// Name names a text that shows who somebody is, the same at all replicas: only who has the
// keys of the callback finds out whose name it is.
func (c *Codec) Name(text string) string {
	mac := hmac.New(sha256.New, c.naming)
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// New makes a codec. receiveID is the corpid for an application and empty for an
// AI bot. Errors name the setting, never its value.
func New(token, encodingAESKey, receiveID string) (*Codec, error) {
	if token == "" {
		return nil, errors.New("envelope: token is empty; copy it from the console")
	}
	key, err := decodeKey(encodingAESKey)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("envelope: encoding_aes_key: %w", err)
	}
	naming, err := hkdf.Key(sha256.New, key, nil, "aeobot names", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("envelope: %w", err)
	}
	return &Codec{token, receiveID, block, key[:aes.BlockSize], naming}, nil
}

// decodeKey gives the 32 bytes of an EncodingAESKey. Its last character carries
// two spare bits that are mostly not zero, so strict base64 would refuse it.
func decodeKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(text + "=")
	if len(text) != keyLength || err != nil || len(key) != 32 {
		return nil, fmt.Errorf("envelope: encoding_aes_key must be %d letters and digits; copy it from the console", keyLength)
	}
	return key, nil
}

// sign is SHA-1 over the four parts, sorted and joined without separators.
func (c *Codec) sign(timestamp, nonce, encrypted string) string {
	parts := []string{c.token, timestamp, nonce, encrypted}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// Open verifies the signature, decrypts, and gives the message. With an error it
// gives nothing. The checks run in a fixed order, the signature before anything
// else touches the ciphertext.
func (c *Codec) Open(signature, timestamp, nonce, encrypted string) ([]byte, error) {
	want := c.sign(timestamp, nonce, encrypted)
	if subtle.ConstantTimeCompare([]byte(signature), []byte(want)) != 1 {
		return nil, ErrSignature
	}
	// Go's decoder skips line breaks silently; the platform never sends any.
	if encrypted == "" || strings.ContainsAny(encrypted, "\r\n") {
		return nil, ErrBase64
	}
	ciphertext, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil {
		return nil, ErrBase64
	}
	payload, err := decrypt(c.block, c.iv, ciphertext)
	if err != nil {
		return nil, err
	}
	return c.unpack(payload)
}

// unpack takes random (16 bytes), length (4, big endian), message and receiveid apart.
func (c *Codec) unpack(payload []byte) ([]byte, error) {
	if len(payload) < headerLength {
		return nil, ErrHeader
	}
	length, rest := binary.BigEndian.Uint32(payload[randomLength:headerLength]), payload[headerLength:]
	if uint64(length) > uint64(len(rest)) {
		return nil, ErrLength
	}
	message, receiveID := rest[:length], rest[length:]
	if subtle.ConstantTimeCompare(receiveID, []byte(c.receiveID)) != 1 {
		return nil, ErrReceiveID
	}
	if !utf8.Valid(message) {
		return nil, ErrUTF8
	}
	return message, nil
}

// decrypt undoes AES-256-CBC and PKCS#7 with a unit of 32. Some senders pad to 16
// only, so ciphertext of any whole number of blocks is taken.
func decrypt(block cipher.Block, iv, ciphertext []byte) ([]byte, error) {
	if len(ciphertext) == 0 || len(ciphertext)%aes.BlockSize != 0 {
		return nil, ErrBlockLength
	}
	plain := make([]byte, len(ciphertext))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, ciphertext)
	count := int(plain[len(plain)-1])
	if count < 1 || count > paddingUnit || count > len(plain) {
		return nil, ErrPadding
	}
	wrong := byte(0)
	for _, b := range plain[len(plain)-count:] {
		wrong |= b ^ byte(count)
	}
	if wrong != 0 {
		return nil, ErrPadding
	}
	return plain[:len(plain)-count], nil
}

// Sealed is an encrypted and signed message, ready for the product's wrapping.
type Sealed struct {
	Encrypt   string // base64
	Signature string // lower-case hex
	Timestamp string // seconds since 1970
	Nonce     string
}

// Seal encrypts and signs a message.
func (c *Codec) Seal(message []byte, timestamp, nonce string) (Sealed, error) {
	random := make([]byte, randomLength)
	rand.Read(random) // never fails: crypto/rand aborts the program instead
	return c.seal(random, message, timestamp, nonce)
}

func (c *Codec) seal(random, message []byte, timestamp, nonce string) (Sealed, error) {
	if !utf8.Valid(message) {
		return Sealed{}, ErrUTF8
	}
	size := headerLength + len(message) + len(c.receiveID)
	padding := paddingUnit - size%paddingUnit
	payload := make([]byte, 0, size+padding)
	payload = append(payload, random...)
	payload = binary.BigEndian.AppendUint32(payload, uint32(len(message)))
	payload = append(payload, message...)
	payload = append(payload, c.receiveID...)
	for range padding {
		payload = append(payload, byte(padding))
	}
	cipher.NewCBCEncrypter(c.block, c.iv).CryptBlocks(payload, payload)
	encrypted := base64.StdEncoding.EncodeToString(payload)
	return Sealed{encrypted, c.sign(timestamp, nonce, encrypted), timestamp, nonce}, nil
}
