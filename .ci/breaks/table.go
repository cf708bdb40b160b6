package main

import (
	"errors"
	"fmt"
	"strings"
)

// promiseBreak is one way to break a promise and the test that must notice.
type promiseBreak struct {
	name     string // "promise: what is broken"
	file     string // path from the root
	old, new string // whole lines; old stands once in the file
	pkg      string // import path of the test, ./bot
	test     string // expression for -run, without anchors
}

// parseAll reads all tables, one file an area.
func parseAll() (all []promiseBreak, err error) {
	files, err := tables.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		text, err := tables.ReadFile(f.Name())
		if err != nil {
			return nil, err
		}
		breaks, err := parse(string(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		all = append(all, breaks...)
	}
	return all, nil
}

// parse reads a table. A record is lines without a blank one between them, in this order:
//
//	once: a second delivery is answered anew
//	file bot/engine.go
//	-	if kept != nil {
//	+	if false {
//	test ./bot TestRedelivered
//
// Lines that begin with # between records are comments.
func parse(table string) ([]promiseBreak, error) {
	var breaks []promiseBreak
	seen := map[string]bool{}
	for record := range strings.SplitSeq(table, "\n\n") {
		b, err := parseRecord(record)
		if err != nil {
			return nil, err
		}
		if b.name == "" {
			continue
		}
		if seen[b.name] {
			return nil, fmt.Errorf("two breaks are called %q", b.name)
		}
		seen[b.name] = true
		breaks = append(breaks, b)
	}
	return breaks, nil
}

func parseRecord(record string) (b promiseBreak, err error) {
	for line := range strings.Lines(record) {
		switch text := strings.TrimSuffix(line, "\n"); {
		case text == "", strings.HasPrefix(text, "#"):
		case strings.HasPrefix(text, "-"):
			b.old += text[1:] + "\n"
		case strings.HasPrefix(text, "+"):
			b.new += text[1:] + "\n"
		case strings.HasPrefix(text, "file "):
			b.file = text[len("file "):]
		case strings.HasPrefix(text, "test "):
			b.pkg, b.test, _ = strings.Cut(text[len("test "):], " ")
		case b.name == "":
			b.name = text
		default:
			return b, fmt.Errorf("%q: what is %q? want file, -, + or test", b.name, text)
		}
	}
	if b.name != "" && (b.file == "" || b.old == "" || b.pkg == "" || b.test == "" || !strings.Contains(b.name, ": ")) {
		return b, errors.New(b.name + ": a break needs a name “promise: break”, file, old lines and a test")
	}
	return b, nil
}
