package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"aeobot/configs"
)

// dataNames are the files and folders of the program in the data folder.
var dataNames = []string{publishedFolder, indexFolder, answersFolder, "knowledge", "audit.jsonl", "aeobot.db", "unsaved", controlSocket}

// checkLinks refuses symbolic links in place of what the program keeps in the data folder: who
// may make one there could have it read and write anywhere. The folder itself may be one.
func checkLinks(folder string) error {
	for _, name := range dataNames {
		err := filepath.WalkDir(filepath.Join(folder, name), func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type()&fs.ModeSymlink != 0 {
				return fmt.Errorf("data folder: %s is a symbolic link; put the file or folder itself there, or choose another data_dir", path)
			}
			return nil // what cannot be read is for whoever opens it to say
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// checkFolder names what in the data folder every user of this machine can change.
func checkFolder(folder string) error {
	for _, name := range append([]string{"."}, dataNames...) {
		path := filepath.Join(folder, name)
		if info, err := os.Stat(path); err == nil && configs.Exposed(info) {
			return fmt.Errorf("%s can be changed by every user of this machine, and with it the knowledge; run chmod o-w %s", path, path)
		}
	}
	return nil
}
