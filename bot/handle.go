package bot

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"aeobot/knowledge"
)

// A handle is a View as a short text: what a button under an answer carries, so that it
// can be pressed by anyone, at any replica, long after the conversation is forgotten.
//
// Its bytes are: version, days since 1970 of the day asked about (0: none), how many
// were shown, the shown, the pending. A reference is the passage's position in the
// library, which clause, and two bytes of its id's hash: when the knowledge has changed
// and something else stands there, the reference is void.

const (
	handleVersion = 1
	// maxHandleRefs bounds the references in a handle, shown and pending each; a button's
	// key may have 1,024 bytes (page 101032) and a reference takes some 5.
	maxHandleRefs = 50
	checkBytes    = 2
)

// writeHandle gives the handle of a view.
func writeHandle(l *knowledge.Library, v View) string {
	b := []byte{handleVersion}
	b = binary.AppendUvarint(b, dayNumber(v.Day))
	shown := v.Shown[max(0, len(v.Shown)-maxHandleRefs):]
	pending := v.Pending[:min(len(v.Pending), maxHandleRefs)]
	head := appendRefs(nil, l, shown)
	b = binary.AppendUvarint(b, uint64(len(head)))
	b = append(b, head...)
	return base64.RawURLEncoding.EncodeToString(appendRefs(b, l, pending))
}

func appendRefs(b []byte, l *knowledge.Library, refs []string) []byte {
	for _, h := range recall(l, refs) {
		at, _ := l.Position(h.passage.ID) // recall has just found it
		b = binary.AppendUvarint(b, uint64(at))
		b = binary.AppendUvarint(b, uint64(h.clause))
		b = append(b, check(h.passage.ID)...)
	}
	return b
}

func check(id string) []byte {
	sum := sha256.Sum256([]byte(id))
	return sum[:checkBytes]
}

// readHandle gives a handle's view; what is void or was never ours is left out.
func readHandle(l *knowledge.Library, handle string) View {
	v := View{Knowledge: l.Fingerprint[:min(len(l.Fingerprint), fingerprintLen)]}
	data, err := base64.RawURLEncoding.DecodeString(handle)
	if err != nil || len(data) == 0 || data[0] != handleVersion {
		return v
	}
	r := bytes.NewReader(data[1:])
	day, err := binary.ReadUvarint(r)
	size, err2 := binary.ReadUvarint(r)
	if err != nil || err2 != nil || size > uint64(r.Len()) {
		return v
	}
	v.Day = dayName(day)
	rest := data[len(data)-r.Len():]
	v.Shown, v.Pending = readRefs(l, rest[:size]), readRefs(l, rest[size:])
	return v
}

func readRefs(l *knowledge.Library, data []byte) (refs []string) {
	passages := l.Passages()
	for r := bytes.NewReader(data); r.Len() > 0 && len(refs) < maxHandleRefs; {
		at, err := binary.ReadUvarint(r)
		clause, err2 := binary.ReadUvarint(r)
		sum := make([]byte, checkBytes)
		_, err3 := r.Read(sum)
		if err != nil || err2 != nil || err3 != nil {
			return refs
		}
		if at >= uint64(len(passages)) || !bytes.Equal(check(passages[at].ID), sum) {
			continue
		}
		h := hit{passage: passages[at]}
		if clause <= uint64(len(h.passage.Clauses)) {
			h.clause = int(clause)
		}
		refs = append(refs, h.ref())
	}
	return refs
}

// shortHandle is the handle of the shown alone, when it has at most size bytes.
func shortHandle(l *knowledge.Library, v View, size int) string {
	h := writeHandle(l, View{Shown: v.Shown})
	if len(h) > size {
		return ""
	}
	return h
}

// dayNumber counts days since 1970; 0 for no day.
func dayNumber(day string) uint64 {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil || t.Unix() <= 0 {
		return 0
	}
	return uint64(t.Unix() / secondsOfDay)
}

func dayName(n uint64) string {
	if n == 0 || n > maxDayNumber {
		return ""
	}
	return time.Unix(int64(n)*secondsOfDay, 0).UTC().Format(time.DateOnly)
}

const (
	secondsOfDay = 24 * 60 * 60
	maxDayNumber = 100_000 // the year 2243: what lies beyond is no handle of ours
)
