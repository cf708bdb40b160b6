package main

import (
	"cmp"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the build: -ldflags "-X main.version=v1.2.3".
var version string

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "显示版本、提交和 Go 版本",
		Args:  arguments(cobra.NoArgs, "see `aeobot --help`"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), versionLine())
			return err
		},
	}
}

func versionLine() string {
	info := buildInfo()
	return fmt.Sprintf("aeobot %s commit %s %s", release(version, info), commit(info), info.GoVersion)
}

func buildInfo() *debug.BuildInfo {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info
	}
	return &debug.BuildInfo{}
}

// release is the version that the build set, else what the toolchain stamped: a tag, or
// the commit's time and hash, with +dirty for a folder that was changed since.
func release(set string, info *debug.BuildInfo) string {
	stamped := info.Main.Version
	if stamped == "(devel)" { // built without the repository
		stamped = ""
	}
	return cmp.Or(set, stamped, "dev")
}

// commit is the revision that the toolchain stamped, and whether files were changed since.
func commit(info *debug.BuildInfo) string {
	stamped := map[string]string{}
	for _, s := range info.Settings {
		stamped[s.Key] = s.Value
	}
	revision := cmp.Or(stamped["vcs.revision"], "unknown")
	if stamped["vcs.modified"] == "true" {
		revision += " (modified)"
	}
	return revision
}
