package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"aeobot/bot"
	"aeobot/index"
)

// explain lays open each question of a message on its own, as the engine parts them.
func explain(cmd *cobra.Command, live *index.Live, text string, limit int, asJSON bool) error {
	g, release, err := live.Acquire()
	if err != nil {
		return err
	}
	defer release()
	asked, err := bot.Read(cmd.Context(), g, text)
	if err != nil {
		return err
	}
	for _, a := range asked {
		x := a.Decision.Explain(limit)
		if !asJSON {
			if err := x.Write(cmd.OutOrStdout()); err != nil {
				return err
			}
			continue
		}
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetEscapeHTML(false)
		if err := enc.Encode(x); err != nil {
			return err
		}
	}
	return nil
}
