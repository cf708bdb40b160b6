// Package pseudonym keeps a store from showing who wrote where. Names made of a person or a
// chat are HMACs under a key, and values that hold addresses are sealed with it, so that
// neither a digest of every id on a staff list nor a look at the values finds anybody.
//
// The key comes from the settings; then whoever reads the whole store learns nothing. Without
// one it is made at random and kept in the store beside what it protects: that helps against
// somebody who sees names alone (a list of keys, a slow log), and not against somebody who
// reads everything.
//
// It knows nothing of what is stored but which kinds hold addresses. Read store.go first, then
// keyring.go (which key, and how it is changed).
package pseudonym

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// key is one key, with what is derived from it.
type key struct {
	secret []byte
	id     string // names the key without showing it
	naming []byte
	aead   cipher.AEAD
}

const secretBytes = 32

// newSecret makes a key at random.
func newSecret() []byte {
	secret := make([]byte, secretBytes)
	rand.Read(secret) // never fails: crypto/rand aborts the program instead
	return secret
}

func newKey(secret []byte) (key, error) {
	k := key{secret: secret}
	var parts [3][]byte
	for i, use := range []string{"id", "names", "values"} {
		var err error
		if parts[i], err = hkdf.Key(sha256.New, secret, nil, "aeobot "+use, secretBytes); err != nil {
			return k, fmt.Errorf("pseudonym: %w", err)
		}
	}
	block, err := aes.NewCipher(parts[2])
	if err == nil {
		k.aead, err = cipher.NewGCM(block)
	}
	if err != nil {
		return k, fmt.Errorf("pseudonym: %w", err)
	}
	k.id, k.naming = hex.EncodeToString(parts[0][:idBytes]), parts[1]
	return k, nil
}

const (
	idBytes = 8
	// nameBytes are enough that no two names meet.
	nameBytes = 16
)

// name is a name for what is not to be read in the store. An empty one stays empty.
func (k key) name(use, text string) string {
	if text == "" {
		return ""
	}
	mac := hmac.New(sha256.New, k.naming)
	fmt.Fprintf(mac, "%s\x00%s", use, text)
	return hex.EncodeToString(mac.Sum(nil)[:nameBytes])
}

// A sealed value is sealedMark, the key's id, a nonce and what AES-GCM makes of the value. No
// value of earlier releases, JSON or gzip, begins like it.
const sealedMark = "\x00aeo1"

// seal closes a value that belongs at a place.
func (k key) seal(place string, value []byte) []byte {
	nonce := make([]byte, k.aead.NonceSize())
	rand.Read(nonce)
	head := append([]byte(sealedMark), k.id...)
	return k.aead.Seal(append(head, nonce...), nonce, value, []byte(place))
}

// sealedBy gives the id of the key that a value was sealed with; empty: it is not sealed.
func sealedBy(value []byte) string {
	if len(value) < len(sealedMark)+2*idBytes || string(value[:len(sealedMark)]) != sealedMark {
		return ""
	}
	return string(value[len(sealedMark) : len(sealedMark)+2*idBytes])
}

var errSealed = errors.New("pseudonym: sealed value is damaged")

// open opens what seal closed at the same place.
func (k key) open(place string, value []byte) ([]byte, error) {
	head := len(sealedMark) + 2*idBytes
	if sealedBy(value) != k.id || len(value) < head+k.aead.NonceSize() {
		return nil, errSealed
	}
	value = value[head:]
	nonce, value := value[:k.aead.NonceSize()], value[k.aead.NonceSize():]
	plain, err := k.aead.Open(nil, nonce, value, []byte(place))
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}
