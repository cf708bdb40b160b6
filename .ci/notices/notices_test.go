package main

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

const (
	mit = `Permission is hereby granted, free of charge, to any person obtaining a copy
of this software … The above copyright notice and this permission notice shall be
included … THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND …`
	bsd2 = `Redistribution and use in source and binary forms, with or without
// modification, are permitted provided … IN NO EVENT SHALL …`
	bsd3 = bsd2 + ` endorse or promote products derived from this software
without specific prior written permission.`
)

func TestIdentify(t *testing.T) {
	apache, err := os.ReadFile("../../index/analysis/opencc/LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, text, want string }{
		{"Apache", string(apache), "Apache-2.0"},
		{"MIT", mit, "MIT"},
		{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted … THE AUTHOR DISCLAIMS ALL WARRANTIES", "ISC"},
		{"BSD of two clauses", bsd2, "BSD-2-Clause"},
		{"BSD of three clauses", bsd3, "BSD-3-Clause"},
		{"BSD with advertising", bsd3 + " All advertising materials mentioning features …", ""},
		{"GPL", "GNU GENERAL PUBLIC LICENSE\nVersion 2, June 1991", ""},
		{"LGPL", "GNU LESSER GENERAL PUBLIC LICENSE", ""},
		{"AGPL", "GNU AFFERO GENERAL\nPUBLIC LICENSE", ""},
		{"MPL", "Mozilla Public License, version 2.0", ""},
		{"MIT or GPL in one file", mit + "\nor the GNU General Public License", ""},
		{"MIT for non-commercial use", mit + "\nCommons Clause", ""},
		{"no words known", "All rights reserved.", ""},
		{"nothing", "", ""},
	}
	for _, tt := range tests {
		if got := identify(tt.text); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// program writes a program that links modules with these licences; empty: no file.
func program(t *testing.T, licences map[string]string) {
	t.Helper()
	folder := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mod, imports := "module example.com/app\n\ngo 1.26\n", "package main\n\n"
	for name, licence := range licences {
		mod += "\nrequire example.com/" + name + " v1.0.0\nreplace example.com/" + name + " => ./" + name + "\n"
		imports += "import _ \"example.com/" + name + "/inner\"\n"
		write(name+"/go.mod", "module example.com/"+name+"\n\ngo 1.26\n")
		write(name+"/inner/inner.go", "package inner\n")
		if licence != "" {
			write(name+"/LICENSE", licence)
		}
	}
	write("go.mod", mod)
	write("cmd/aeobot/main.go", imports+"import _ \"embed\"\n\n//go:embed data/words.txt\nvar _ string\n\nfunc main() {}\n")
	write("cmd/aeobot/data/words.txt", "words")
	write("cmd/aeobot/data/COPYING", bsd3)
	write("LICENSE", "ours")
	t.Chdir(folder)
}

func TestNoticesNameEverythingLinked(t *testing.T) {
	program(t, map[string]string{"free": mit, "alike": mit})
	components, err := linked("linux")
	if err != nil {
		t.Fatal(err)
	}
	if err := refuse(components); err != nil {
		t.Error(err)
	}
	text := string(notices(components))
	for _, want := range []string{"Go: BSD-3-Clause\n", "cmd/aeobot/data: BSD-3-Clause\n", "example.com/alike v1.0.0: MIT\n", "example.com/free v1.0.0: MIT\n",
		"\nexample.com/alike, LICENSE\nexample.com/free, LICENSE\n\n" + mit} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if strings.Contains(text, "ours") {
		t.Error("our own licence is among the others'")
	}
	if err := os.WriteFile(noticesFile, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(true, "", "", ""); err != nil {
		t.Errorf("check of a file just written: %v", err)
	}
	if err := os.WriteFile(noticesFile, []byte(strings.Replace(text, "alike", "other", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run(true, "", "", ""); err == nil || !strings.Contains(err.Error(), "out of date") {
		t.Errorf("check of an old file: got %v", err)
	}
}

func TestLicencesThatAreRefused(t *testing.T) {
	program(t, map[string]string{"free": mit, "copyleft": "GNU GENERAL PUBLIC LICENSE Version 2", "nameless": ""})
	err := run(true, "", "", "")
	if err == nil {
		t.Fatal("nothing was refused")
	}
	for name, want := range map[string]bool{"example.com/copyleft: LICENSE": true, "example.com/nameless has no licence": true, "example.com/free": false} {
		if got := strings.Contains(err.Error(), name); got != want {
			t.Errorf("%q named: got %v, want %v, in %v", name, got, want, err)
		}
	}
}

func TestSBOM(t *testing.T) {
	components := []component{
		{name: "Go", licences: []text{{id: "BSD-3-Clause"}}},
		{name: "example.com/Free/v2", version: "v2.0.1", licences: []text{{id: "MIT"}}},
		{name: "data", licences: []text{{id: "Apache-2.0"}}},
	}
	info := &buildinfo.BuildInfo{GoVersion: "go1.26.8", Deps: []*debug.Module{{Path: "example.com/Free/v2", Version: "v2.0.1"}},
		Settings: []debug.BuildSetting{{Key: "vcs.time", Value: "2026-11-30T01:02:03Z"}}}
	d, err := describe(info, "v1.0.0", [32]byte{1}, components)
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"created":"2026-11-30T01:02:03Z"`, `"versionInfo":"v1.0.0"`, `"pkg:golang/stdlib@1.26.8"`,
		`"pkg:golang/example.com/free/v2@v2.0.1"`, `{"spdxElementId":"SPDXRef-aeobot","relationshipType":"CONTAINS","relatedSpdxElement":"SPDXRef-data"}`} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%s is missing in %s", want, out)
		}
	}
	info.Deps = append(info.Deps, &debug.Module{Path: "example.com/more", Version: "v1.0.0"})
	if _, err := describe(info, "", [32]byte{}, components); err == nil || !strings.Contains(err.Error(), "example.com/more") {
		t.Errorf("a module that the notices do not know: got %v", err)
	}
	info.Deps = nil
	if _, err := describe(info, "", [32]byte{}, components); err == nil || !strings.Contains(err.Error(), "example.com/Free/v2") {
		t.Errorf("a module that the binary does not hold: got %v", err)
	}
}
