package configs

import (
	"fmt"
	"log/slog"
)

// Secret is a text that hides itself: whatever prints, logs or encodes it shows
// [hidden]. Only Reveal gives it away.
type Secret string

const hidden = "[hidden]"

// Reveal gives the text. Call it where the secret is used and nowhere else.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Format covers every verb, %x and %#v included.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText covers JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML is for encoders that look for it first.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }
