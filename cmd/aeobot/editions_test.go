package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/configs"
	"aeobot/index"
	"aeobot/knowledge/versions"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// blueWhale is one published edition of the article on which the table below asks.
func blueWhale(date string, measures ...string) map[string][]byte {
	text := "跨境蓝鲸企业便利办法\n" + date + "\n\n一、蓝鲸通关便利\n"
	for i, m := range measures {
		text += fmt.Sprintf("%d、%s\n", i+1, m)
	}
	return map[string][]byte{"蓝鲸办法.txt": []byte(text)}
}

// past is an engine over published states, on 2026-11-30.
func past(t *testing.T, publish func(put func(at string, files map[string][]byte))) *bot.Engine {
	t.Helper()
	c := configs.Config{DataDir: t.TempDir()}
	number := 0
	publish(func(at string, files map[string][]byte) {
		number++
		shipped, err := shippedState()
		if err != nil {
			t.Fatal(err)
		}
		maps.Copy(shipped.files, files)
		day, err := time.Parse(time.DateOnly, at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := published(c).Publish(versions.Version{Number: number, At: day, Author: "林悦", Reason: "新版", Fingerprint: "-"}, shipped.files); err != nil {
			t.Fatal(err)
		}
	})
	return pastEngine(t, c)
}

func pastEngine(t *testing.T, c configs.Config) *bot.Engine {
	t.Helper()
	library, _, err := load(c)
	if err != nil {
		t.Fatal(err)
	}
	live := &index.Live{}
	if err := swapIn(t.Context(), live, library, index.Options{}); err != nil {
		t.Fatal(err)
	}
	e := newEditions(c)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if err := live.Swap(nil); err != nil {
			t.Error(err)
		}
	})
	return bot.New(live, bot.NewMemory(), bot.Options{Editions: e, Now: func() time.Time { return time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC) }})
}

// TestThreeEditions: the edition in force on the day that is asked about answers, however
// the day is said; where none is known, that is said.
func TestThreeEditions(t *testing.T) {
	e := past(t, func(put func(at string, files map[string][]byte)) {
		put("2026-11-28", blueWhale("2025-03-01", "蓝鲸企业抽检比例为5%", "蓝鲸企业缴纳蓝鲸押金"))
		put("2026-11-29", blueWhale("2026-01-10", "蓝鲸企业抽检比例为3%", "蓝鲸企业免缴蓝鲸押金", "蓝鲸企业预约通关提前24小时提出"))
		put("2026-11-30", blueWhale("2026-09-01", "蓝鲸企业抽检比例为1%", "蓝鲸企业预约通关提前8小时提出"))
	})
	var table strings.Builder
	ask := func(user, day, question string) {
		r, err := e.Answer(context.Background(), bot.Message{Asker: bot.Asker(user), Text: question, Day: day, Surface: bot.Surface{Name: "terminal", MaxPages: 1}})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&table, "## %s｜%s\n%s\n\n", orToday(day), question, r.Text)
	}
	for _, day := range []string{"2020-01-01", "2025-02-28", "2025-03-01", "2026-01-09", "2026-01-10", "2026-06-01", "2026-08-31", "2026-09-01", "", "2027-01-01"} {
		for _, question := range []string{"蓝鲸企业有哪些通关便利", "蓝鲸押金要交吗", "蓝鲸企业能预约通关吗"} {
			ask(day+question, day, question)
		}
	}
	for _, question := range []string{"去年蓝鲸企业有哪些通关便利", "2024年蓝鲸企业有哪些通关便利", "昨天蓝鲸企业能预约通关吗", "上个月蓝鲸企业怎么预约通关",
		"今年3月蓝鲸押金要交吗", "两年前蓝鲸押金要交吗", "半年前蓝鲸企业有哪些通关便利", "去年的蓝鲸企业能预约通关吗", "蓝鲸企业今年八月底怎么预约通关"} {
		ask(question, "", question)
	}
	table.WriteString("# 一段对话\n\n")
	for _, text := range []string{"去年有哪些蓝鲸通关便利", "第1条", "那今年3月呢", "现在呢", "蓝鲸企业有哪些通关便利", "那去年呢", "2026年6月的时候呢"} {
		ask("talk", "", text)
	}
	golden(t, "editions.txt", table.String())
}

func orToday(day string) string {
	if day == "" {
		return "今天"
	}
	return day
}

// golden compares with a file in testdata, which -update writes anew.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("other answers than in %s; look at the difference after `go test -run %s -update`:\n%s", file, t.Name(), got)
	}
}
