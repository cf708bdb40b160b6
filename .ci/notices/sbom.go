package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"
)

// document is an SPDX 2.3 document (https://spdx.github.io/spdx-spec/v2.3/), as much of
// it as a list of linked components needs.
type document struct {
	Version       string         `json:"spdxVersion"`
	DataLicense   string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      creation       `json:"creationInfo"`
	Packages      []spdxPackage  `json:"packages"`
	Relationships []relationship `json:"relationships"`
}

type creation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	ID        string      `json:"SPDXID"`
	Name      string      `json:"name"`
	Version   string      `json:"versionInfo,omitempty"`
	Download  string      `json:"downloadLocation"`
	Analyzed  bool        `json:"filesAnalyzed"`
	Concluded string      `json:"licenseConcluded"`
	Declared  string      `json:"licenseDeclared"`
	Copyright string      `json:"copyrightText"`
	Checksums []checksum  `json:"checksums,omitempty"`
	Refs      []reference `json:"externalRefs,omitempty"`
}

type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type reference struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type relationship struct {
	From string `json:"spdxElementId"`
	Type string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

const noAssertion = "NOASSERTION"

// writeSBOM lists what a built binary says it holds, and the data in it.
func writeSBOM(file, version, binary string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return fmt.Errorf("%w; build it first", err)
	}
	data, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	components, err := linked(setting(info, "GOOS"))
	if err != nil {
		return err
	}
	d, err := describe(info, version, sha256.Sum256(data), components)
	if err != nil {
		return fmt.Errorf("%s: %w", binary, err)
	}
	out, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(out, '\n'), 0o644)
}

// describe makes the document. What the binary holds must be what the notices were made
// of.
func describe(info *buildinfo.BuildInfo, version string, sum [32]byte, components []component) (document, error) {
	digest := hex.EncodeToString(sum[:])
	program := newPackage("aeobot", version, "MIT")
	program.Checksums = []checksum{{"SHA256", digest}}
	d := document{Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: "aeobot", Namespace: "urn:sha256:" + digest,
		Creation: creation{created(info), []string{"Tool: aeobot .ci/notices"}}}
	d.add("DESCRIBES", d.ID, program)

	versions := map[string]string{"Go": strings.TrimPrefix(info.GoVersion, "go")}
	for _, m := range info.Deps {
		if m.Replace != nil && m.Replace.Version != "" {
			m = m.Replace
		}
		versions[m.Path] = m.Version
	}
	for _, c := range components {
		version, isLinked := versions[c.name]
		if !isLinked && c.version != "" {
			return document{}, fmt.Errorf("does not hold %s; build it from this folder", c.name)
		}
		delete(versions, c.name)
		p := newPackage(c.name, version, c.licence())
		if c.name == "Go" {
			p.Refs = purl("stdlib", version)
		} else if isLinked {
			p.Refs = purl(c.name, version)
		}
		d.add("CONTAINS", program.ID, p)
	}
	for name := range versions {
		return document{}, fmt.Errorf("holds %s, which the program in this folder does not; build it again", name)
	}
	return d, nil
}

func (d *document) add(relation, from string, p spdxPackage) {
	d.Packages = append(d.Packages, p)
	d.Relationships = append(d.Relationships, relationship{from, relation, p.ID})
}

func newPackage(name, version, licence string) spdxPackage {
	id := strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.", r) {
			return r
		}
		return '-'
	}, name)
	return spdxPackage{ID: "SPDXRef-" + id, Name: name, Version: version, Download: noAssertion,
		Concluded: licence, Declared: licence, Copyright: noAssertion}
}

// purl is the package's URL as scanners of vulnerabilities look it up.
func purl(name, version string) []reference {
	return []reference{{"PACKAGE-MANAGER", "purl", "pkg:golang/" + strings.ToLower(name) + "@" + version}}
}

// created is the time of the commit, so that the same commit gives the same document;
// without one stamped into the binary, now.
func created(info *buildinfo.BuildInfo) string {
	if t := setting(info, "vcs.time"); t != "" {
		return t
	}
	return time.Now().UTC().Format(time.RFC3339)
}

func setting(info *buildinfo.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}
