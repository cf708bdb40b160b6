package envelope

import (
	"crypto/aes"
	"encoding/base64"
	"fmt"
	"strings"
)

// OpenMedia decrypts a downloaded file. key is base64 of 32 bytes, at times
// without its final =: the EncodingAESKey for a callback, the aeskey beside the URL
// for a long connection. Nothing but the file is inside: no random, no length, no
// receiveid.
func OpenMedia(key string, ciphertext []byte) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimRight(key, "=") + "=")
	if err != nil || len(raw) != 32 {
		return nil, fmt.Errorf("envelope: media key is not 32 bytes in base64")
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, fmt.Errorf("envelope: media key: %w", err)
	}
	return decrypt(block, raw[:aes.BlockSize], ciphertext)
}
