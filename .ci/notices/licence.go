package main

import (
	"maps"
	"slices"
	"strings"
)

// allowed are the licences that ask for no more than their text to be passed on, each
// with what its text must say, in lower case and single blanks. The first that fits counts.
var allowed = []struct {
	id   string
	says []string
}{
	{"Apache-2.0", []string{"apache license", "version 2.0, january 2004", "grant of patent license", "redistribution. you may reproduce and distribute", "disclaimer of warranty"}},
	{"MIT", []string{"permission is hereby granted, free of charge, to any person obtaining a copy of this software", "the above copyright notice and this permission notice", "without warranty of any kind"}},
	{"ISC", []string{"permission to use, copy, modify, and", "distribute this software for any purpose with or without fee is hereby granted", "disclaims all warranties"}},
	{"BSD-3-Clause", []string{bsdGrant, bsdDisclaimer, "endorse or promote products derived from this software without specific prior written permission"}},
	{"BSD-2-Clause", []string{bsdGrant, bsdDisclaimer}},
}

const (
	bsdGrant      = "redistribution and use in source and binary forms, with or without modification, are permitted"
	bsdDisclaimer = "in no event shall"
)

// accepted are modules with another licence that was looked at.
var accepted = map[string]string{
	// MPL-2.0 is copyleft file by file: the module is linked as it is, and the notices say
	// where its source is, which is all it asks for (section 3.2).
	"github.com/hashicorp/golang-lru/v2": "MPL-2.0",
}

// conditions are what no allowed licence says: a text that has one of them beside an
// allowed licence asks for more.
var conditions = []string{
	"general public license", "mozilla public license", "eclipse public license", "common development and distribution",
	"european union public", "server side public license", "business source license", "commons clause", "elastic license", "creative commons",
	"sharealike", "noncommercial", "non-commercial", "all advertising materials mentioning", "copyleft",
}

// identify gives the SPDX id of a licence's text; empty for one that is not allowed.
func identify(text string) string {
	text = strings.Join(strings.Fields(strings.ToLower(strings.NewReplacer("#", " ", "*", " ", "//", " ").Replace(text))), " ")
	says := func(phrase string) bool { return strings.Contains(text, phrase) }
	if slices.ContainsFunc(conditions, says) {
		return ""
	}
	for _, l := range allowed {
		if !slices.ContainsFunc(l.says, func(phrase string) bool { return !says(phrase) }) {
			return l.id
		}
	}
	return ""
}

func allowedIDs() []string {
	var ids []string
	for _, l := range allowed {
		ids = append(ids, l.id)
	}
	return append(ids, slices.Sorted(maps.Keys(accepted))...)
}
