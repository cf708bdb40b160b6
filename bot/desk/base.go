package desk

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// What is in force is the base of every change. Files that lie about, imported once, are
// not: what was in force before and is not any more comes back by its name only.

// Imported are the files, of those that were imported, that a change takes when nobody names
// any, and the names of those that it leaves out: what an earlier state had and the one in
// force has not. earlier are the earlier states' files, the digest of each by its name.
func (s State) Imported(files map[string][]byte, earlier []map[string]string) (taken map[string][]byte, old []string) {
	taken = maps.Clone(files)
	for name, data := range files {
		sum := Digest(data)
		if now, there := s.Files[name]; there && Digest(now) == sum {
			continue
		}
		if slices.ContainsFunc(earlier, func(e map[string]string) bool { return e[name] == sum }) {
			delete(taken, name)
			old = append(old, name)
		}
	}
	slices.Sort(old)
	return taken, old
}

// With gives the files of the state with others put in, or in their place, and some taken
// away. It fails when there is no file of a name that is to be taken away.
func (s State) With(files map[string][]byte, without []string) (map[string][]byte, error) {
	next := maps.Clone(s.Files)
	maps.Copy(next, files)
	for _, name := range without {
		if _, there := next[name]; !there {
			return nil, fmt.Errorf("--remove %s: there is no such file; there are %s", name, strings.Join(slices.Sorted(maps.Keys(next)), ", "))
		}
		delete(next, name)
	}
	return next, nil
}
