package main

import (
	"fmt"
	"io/fs"
	"path/filepath"

	"aeobot/bot/desk"
	"aeobot/configs"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
	"aeobot/knowledge/versions"
)

// publishedFolder is where in the data folder the published states lie.
const publishedFolder = "published"

func published(c configs.Config) *versions.Folder {
	return versions.Open(filepath.Join(c.DataDir, publishedFolder))
}

// state is one state of the knowledge: all its files.
type state struct {
	number int // 0: the shipped article, before anything was published
	files  map[string][]byte
}

// inForce is the state that is published, or the shipped article.
func inForce(c configs.Config) (state, error) {
	folder := published(c)
	head, some, err := folder.Head()
	if err != nil {
		return state{}, usageError{err}
	}
	if !some {
		return shippedState()
	}
	files, err := folder.Files(head)
	if err != nil {
		return state{}, usageError{err}
	}
	return state{head.Number, files}, nil
}

func shippedState() (state, error) {
	s := state{files: map[string][]byte{}}
	entries, err := fs.ReadDir(articles.FS, ".")
	if err != nil {
		return s, err
	}
	for _, e := range entries {
		if s.files[e.Name()], err = articles.FS.ReadFile(e.Name()); err != nil {
			return s, err
		}
	}
	return s, nil
}

// stateOf is the state of a number; 0 is the shipped article.
func stateOf(c configs.Config, number int) (state, error) {
	if number == 0 {
		return shippedState()
	}
	folder := published(c)
	v, err := folder.Get(number)
	if err != nil {
		return state{}, usageError{err}
	}
	files, err := folder.Files(v)
	if err != nil {
		return state{}, usageError{err}
	}
	return state{number, files}, nil
}

func (s state) library() (*knowledge.Library, error) {
	l, err := knowledge.LoadFiles(s.files, articles.FS)
	if err != nil {
		return nil, usageError{err}
	}
	return l, nil
}

// nextState is a state with files put in and others taken away.
func nextState(s desk.State, files map[string][]byte, without []string) (state, error) {
	next, err := s.With(files, without)
	if err != nil {
		return state{}, usageError{err}
	}
	return state{s.Number, next}, nil
}

func describeVersion(v versions.Version, current bool) string {
	text := fmt.Sprintf("%d  %s  %s", v.Number, v.At.In(china).Format("2006-01-02 15:04"), v.Author)
	if v.Approver != "" {
		text += "、" + v.Approver
	}
	text += "  " + v.Reason
	if v.Of > 0 {
		text += fmt.Sprintf("（恢复版本 %d）", v.Of)
	}
	if v.Override != "" {
		text += "（有问题变差：" + v.Override + "）"
	}
	if current {
		text += "  ← 现行"
	}
	return text
}
