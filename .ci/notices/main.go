// Command notices writes THIRD_PARTY_NOTICES: the licence of everything that is linked
// into aeobot, modules, embedded data and Go itself. It refuses a licence that is not
// allowed.
//
//	go run ./.ci/notices          writes the file
//	go run ./.ci/notices -check   fails when it would change
//	go run ./.ci/notices -sbom out.json -version v1 FILE   lists what the binary FILE holds
//
// licence.go knows licences, modules.go what is linked, sbom.go the SPDX document.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

const noticesFile = "THIRD_PARTY_NOTICES"

func main() {
	check := flag.Bool("check", false, "fail when "+noticesFile+" is out of date")
	sbom := flag.String("sbom", "", "write an SPDX document of the binary to this file")
	version := flag.String("version", "", "the binary's version")
	flag.Parse()
	if err := run(*check, *sbom, *version, flag.Arg(0)); err != nil {
		fmt.Fprintf(os.Stderr, "notices: %v\n", err)
		os.Exit(1)
	}
}

func run(check bool, sbom, version, binary string) error {
	if sbom != "" {
		return writeSBOM(sbom, version, binary)
	}
	components, err := linked("linux")
	if err != nil {
		return err
	}
	if err := refuse(components); err != nil {
		return err
	}
	text := notices(components)
	if !check {
		return os.WriteFile(noticesFile, text, 0o644)
	}
	if old, err := os.ReadFile(noticesFile); err != nil || !bytes.Equal(old, text) {
		return fmt.Errorf("%s is out of date; write it with `make notices`", noticesFile)
	}
	return nil
}

// refuse names every component whose licence is not allowed.
func refuse(components []component) error {
	var refused []error
	for _, c := range components {
		for _, l := range c.licences {
			if l.id == "" && accepted[c.name] == "" {
				refused = append(refused, fmt.Errorf("%s: %s is none of %s; take something else, or decide in .ci/notices/licence.go", c.name, l.file, strings.Join(allowedIDs(), ", ")))
			}
		}
		if len(c.licences) == 0 {
			refused = append(refused, fmt.Errorf("%s has no licence file; take something else", c.name))
		}
	}
	return errors.Join(refused...)
}

// notices is the file: a table of what is linked, then each text once, with those it is of.
func notices(components []component) []byte {
	var b bytes.Buffer
	b.WriteString("THIRD-PARTY NOTICES\n\naeobot is under the licence in LICENSE. The program holds the following, each under its own.\n" +
		"Written by `make notices`; the source of a module is at https:// and its name.\n\n")
	texts := map[string][]string{}
	var order []string
	for _, c := range components {
		fmt.Fprintf(&b, "%s: %s\n", strings.TrimSpace(c.name+" "+c.version), c.licence())
		for _, t := range slices.Concat(c.licences, c.notices) {
			if texts[t.text] == nil {
				order = append(order, t.text)
			}
			texts[t.text] = append(texts[t.text], c.name+", "+t.file)
		}
	}
	for _, text := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(texts[text], "\n"), strings.TrimRight(text, "\n"))
	}
	return b.Bytes()
}
