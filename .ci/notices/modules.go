package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// component is a module, Go itself, or a folder of somebody else's data that is embedded.
type component struct {
	name, version     string
	licences, notices []text
}

// text is a licence or notice file.
type text struct {
	file string // below the component's folder
	text string
	id   string // of a licence
}

// licence is the SPDX expression of the whole component.
func (c component) licence() string {
	if id := accepted[c.name]; id != "" {
		return id
	}
	var ids []string
	for _, l := range c.licences {
		ids = append(ids, l.id)
	}
	slices.Sort(ids)
	return strings.Join(slices.Compact(ids), " AND ")
}

// goPackage is what `go list` says of a package.
type goPackage struct {
	Dir        string
	Standard   bool
	EmbedFiles []string
	Module     *struct {
		Path, Version, Dir string
		Main               bool
		Replace            *struct{ Path, Version string }
	}
}

// linked lists what the program for a system holds, by name.
func linked(goos string) ([]component, error) {
	packages, err := listPackages(goos)
	if err != nil {
		return nil, err
	}
	found := map[string]*component{}
	for _, p := range packages {
		for _, d := range append([]string{p.Dir}, p.embedded()...) {
			if err := p.collect(d, found); err != nil {
				return nil, err
			}
		}
	}
	if found["Go"], err = goItself(); err != nil {
		return nil, err
	}
	var all []component
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, *found[name])
	}
	return all, nil
}

// listPackages asks as the release is built: any machine gives the same list.
func listPackages(goos string) ([]goPackage, error) {
	const program = "./cmd/aeobot"
	cmd := exec.Command("go", "list", "-deps", "-json=Dir,Standard,EmbedFiles,Module", program)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", program, err)
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list %s: %w", program, err)
		}
		if !p.Standard {
			all = append(all, p)
		}
	}
}

// embedded are the folders that embedded files lie in.
func (p goPackage) embedded() []string {
	var folders []string
	for _, f := range p.EmbedFiles {
		if d := filepath.Dir(filepath.Join(p.Dir, f)); !slices.Contains(folders, d) {
			folders = append(folders, d)
		}
	}
	return folders
}

// collect takes the texts in a folder and above it, up to the module's own: a module may
// hold somebody else's code in a folder with a licence of its own. In our module such a
// folder is a component, and what stands at the root is ours.
func (p goPackage) collect(folder string, found map[string]*component) error {
	for d := folder; ; d = filepath.Dir(d) {
		below, err := filepath.Rel(p.Module.Dir, d)
		if err != nil {
			return err
		}
		name, version := p.Module.Path, p.Module.Version
		if r := p.Module.Replace; r != nil && r.Version != "" {
			name, version = r.Path, r.Version
		}
		if p.Module.Main {
			name, below = filepath.ToSlash(below), "."
		}
		if name == "." {
			return nil
		}
		c := found[name]
		if c == nil {
			c = &component{name: name, version: version}
		}
		if err := c.read(d, filepath.ToSlash(below)); err != nil {
			return err
		}
		if !p.Module.Main || len(c.licences) > 0 {
			found[name] = c
		}
		if d == p.Module.Dir {
			return nil
		}
	}
}

var (
	licenceName = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying)s?([-._].*)?$`)
	noticeName  = regexp.MustCompile(`(?i)^(notice|patents|copyright)s?([-._].*)?$`)
)

// read takes the texts that lie in a folder.
func (c *component) read(folder, below string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		isLicence := licenceName.MatchString(e.Name())
		file := path.Join(below, e.Name())
		if e.IsDir() || filepath.Ext(file) == ".go" || !isLicence && !noticeName.MatchString(e.Name()) || c.has(file) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return err
		}
		t := text{file: file, text: strings.ReplaceAll(string(data), "\r\n", "\n")}
		if isLicence {
			t.id = identify(t.text)
			c.licences = append(c.licences, t)
		} else {
			c.notices = append(c.notices, t)
		}
	}
	return nil
}

func (c *component) has(file string) bool {
	is := func(t text) bool { return t.file == file }
	return slices.ContainsFunc(c.licences, is) || slices.ContainsFunc(c.notices, is)
}

// goItself is the library and runtime that every Go program holds. Its version is the
// builder's: the notices do not change with it.
func goItself() (*component, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	c := &component{name: "Go"}
	return c, c.read(strings.TrimSpace(string(root)), ".")
}
