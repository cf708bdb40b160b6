package kf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object whose sender is known to be the platform: keys in any letter
// case, numbers as strings and strings as numbers. A field that cannot be read counts as
// absent; unread has the keys of those, shared with the objects inside.
type object struct {
	fields map[string]json.RawMessage
	unread *[]string
}

var byteOrderMark = []byte("\ufeff")

// readObject reads an object; ok is false when it is none.
func readObject(data []byte) (o object, ok bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(bytes.TrimPrefix(data, byteOrderMark), &fields) != nil || fields == nil {
		return object{unread: &[]string{}}, false
	}
	o = object{map[string]json.RawMessage{}, &[]string{}}
	for key, value := range fields {
		o.fields[strings.ToLower(key)] = value
	}
	return o, true
}

// has reports whether there is a field of that name that is not null.
func (o object) has(key string) bool {
	value, ok := o.fields[key]
	return ok && string(value) != "null"
}

func (o object) bad(key string) { *o.unread = append(*o.unread, key) }

// text reads a string, or a number as one.
func (o object) text(key string) string {
	if !o.has(key) {
		return ""
	}
	var s string
	var n json.Number
	switch {
	case json.Unmarshal(o.fields[key], &s) == nil:
		return s
	case json.Unmarshal(o.fields[key], &n) == nil:
		return n.String()
	}
	o.bad(key)
	return ""
}

// number reads an integer, or a string that is one; true is 1.
func (o object) number(key string) (n int64, ok bool) {
	if !o.has(key) {
		return 0, false
	}
	s := strings.TrimSpace(strings.Trim(string(o.fields[key]), `"`))
	if s == "true" {
		return 1, true
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f == float64(int64(f)) {
		return int64(f), true
	}
	o.bad(key)
	return 0, false
}

// object reads an object inside.
func (o object) object(key string) object {
	inner, ok := readObject(o.fields[key])
	if !ok && o.has(key) {
		o.bad(key)
	}
	inner.unread = o.unread
	return inner
}

// list reads the objects of a list.
func (o object) list(key string) (all []object) {
	if !o.has(key) {
		return nil
	}
	var raw []json.RawMessage
	if json.Unmarshal(o.fields[key], &raw) != nil {
		o.bad(key)
	}
	for _, data := range raw {
		inner, ok := readObject(data)
		if !ok {
			o.bad(key)
			continue
		}
		inner.unread = o.unread
		all = append(all, inner)
	}
	return all
}

// message is one of sync_msg's.
type message struct {
	ID, Account, Customer string
	Origin                int64
	At                    time.Time
	Kind                  string // msgtype
	Text                  string
	Menu                  string // id of the menu's entry that was tapped
	Event                 object
}

// readMessage reads a message that was got at now from an account; empty: from all of them.
// What the platform left out is made up for where that is safe.
func readMessage(o object, account string, now time.Time) message {
	m := message{ID: o.text("msgid"), Account: o.text("open_kfid"), Customer: o.text("external_userid"), Kind: o.text("msgtype"), At: now,
		Event: o.object("event")}
	for _, kind := range []string{"event", "text"} {
		if m.Kind == "" && o.has(kind) {
			m.Kind = kind
		}
	}
	if m.Account == "" {
		m.Account = m.Event.text("open_kfid")
	}
	if m.Account == "" {
		m.Account = account
	}
	if m.Customer == "" {
		m.Customer = m.Event.text("external_userid")
	}
	if seconds, ok := o.number("send_time"); ok {
		m.At = time.Unix(seconds, 0)
	}
	m.Origin = originOf(o, m.Kind)
	if m.Kind == "text" {
		m.Text, m.Menu = readText(o)
	}
	if m.ID == "" { // two copies have one name all the same
		m.ID = "x-" + o.digest()
	}
	return m
}

// readText reads what was written; the text may stand there without an object around it.
func readText(o object) (text, menu string) {
	var plain string
	if json.Unmarshal(o.fields["text"], &plain) == nil {
		return plain, ""
	}
	inner := o.object("text")
	return inner.text("content"), inner.text("menu_id")
}

// originOf reads who a message is from; without that, what is neither an event nor a
// servicer's is the customer's.
func originOf(o object, kind string) int64 {
	origin, ok := o.number("origin")
	switch {
	case ok:
		return origin
	case kind == "event":
		return fromSystem
	case o.text("servicer_userid") != "":
		return fromServicer
	}
	return fromCustomer
}

// digest names an object by what stands in it.
func (o object) digest() string {
	keys := make([]string, 0, len(o.fields))
	for key := range o.fields {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	h := sha256.New()
	for _, key := range keys {
		h.Write([]byte(key + "\x00" + string(o.fields[key]) + "\x00"))
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}
