package boltstore

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"time"

	"aeobot/bot"
)

// A value is: version (1 byte), CRC-32C of the rest (4), expiry in milliseconds
// since 1970 (8), payload. bbolt does not notice a changed byte in a value.
const (
	valueVersion = 1
	valueHeader  = 1 + 4 + 8
)

var (
	castagnoli  = crc32.MakeTable(crc32.Castagnoli)
	errDamaged  = errors.New("boltstore: value is damaged")
	errNewer    = errors.New("boltstore: value is of another version")
	errNoLength = errors.New("boltstore: value is too short")
)

func seal(expires time.Time, payload []byte) []byte {
	v := make([]byte, valueHeader, valueHeader+len(payload))
	v[0] = valueVersion
	binary.BigEndian.PutUint64(v[5:], uint64(expires.UnixMilli()))
	v = append(v, payload...)
	binary.BigEndian.PutUint32(v[1:], crc32.Checksum(v[5:], castagnoli))
	return v
}

func unseal(v []byte) (payload []byte, expires time.Time, err error) {
	switch {
	case len(v) < valueHeader:
		return nil, time.Time{}, errNoLength
	case v[0] != valueVersion:
		return nil, time.Time{}, errNewer
	case binary.BigEndian.Uint32(v[1:]) != crc32.Checksum(v[5:], castagnoli):
		return nil, time.Time{}, errDamaged
	}
	return v[valueHeader:], time.UnixMilli(int64(binary.BigEndian.Uint64(v[5:]))), nil
}

func encodeSession(version uint64, s *bot.Session) ([]byte, error) {
	data, err := json.Marshal(s)
	return append(binary.BigEndian.AppendUint64(nil, version), data...), err
}

func decodeSession(v []byte) (s bot.Session, version uint64, err error) {
	if len(v) < 8 {
		return s, 0, errNoLength
	}
	err = json.Unmarshal(v[8:], &s)
	return s, binary.BigEndian.Uint64(v), err
}

// attempted is a record and the attempt that wrote it.
type attempted struct {
	attempt string
	data    []byte
}

func encodeAttempt(attempt string, record []byte) []byte {
	v := binary.AppendUvarint(nil, uint64(len(attempt)))
	return append(append(v, attempt...), record...)
}

func decodeAttempt(v []byte) (attempted, error) {
	n, size := binary.Uvarint(v)
	if size <= 0 || n > uint64(len(v)-size) {
		return attempted{}, errNoLength
	}
	end := size + int(n)
	return attempted{string(v[size:end]), v[end:]}, nil
}
