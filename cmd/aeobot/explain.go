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
	for _, question := range bot.Split(text) {
		d, err := g.Search(cmd.Context(), question)
		if err != nil {
			return err
		}
		x := d.Explain(limit)
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
