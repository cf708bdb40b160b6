package intake_test

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"

	"aeobot/knowledge/intake"
)

// BenchmarkImport reads large files of each kind; live-MB is the most that any
// garbage collection found in use, beyond what was before.
func BenchmarkImport(b *testing.B) {
	const rows = 10_000
	table := [][]string{{"节", "原文", "问法", "关键词", "生效日期"}}
	var csv, html, docx strings.Builder
	csv.WriteString("节,原文,问法,关键词,生效日期\n")
	for i := range rows {
		section, text := fmt.Sprintf("第%d类", i/100), fmt.Sprintf("第%d项措施：对高级认证企业适用较低的查验率，并可按规定申请免除担保；以当地海关答复为准。", i)
		ask := fmt.Sprintf("第%d项怎么办；第%d项能不能办", i, i)
		table = append(table, []string{section, text, ask, fmt.Sprintf("措施%d", i), "2026-04-01"})
		fmt.Fprintf(&csv, "%s,%s,%s,措施%d,2026-04-01\n", section, text, ask, i)
		if i%100 == 0 {
			fmt.Fprintf(&html, "<h2>%s</h2>", section)
			docx.WriteString(styled("2", section))
		}
		fmt.Fprintf(&html, "<p>%d、%s</p>", i%100+1, text)
		docx.WriteString(para(fmt.Sprintf("%d、%s", i%100+1, text)))
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{"a.xlsx", workbook(b, table, nil)}, {"a.csv", []byte(csv.String())}, {"a.html", []byte(html.String())}, {"a.docx", wordFile(b, docx.String(), nil)}} {
		b.Run(fmt.Sprintf("%s/rows=%d", f.name[2:], rows), func(b *testing.B) {
			peak := uint64(0)
			look := func(int, int) {
				live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
				metrics.Read(live)
				peak = max(peak, live[0].Value.Uint64())
			}
			runtime.GC()
			look(0, 0)
			before := peak
			for b.Loop() {
				in, err := intake.Read(b.Context(), f.name, f.data, intake.Options{Progress: look})
				if err != nil || in.Counts.Measures != rows {
					b.Fatalf("got %d measures, %v, %v", in.Counts.Measures, in.Problems, err)
				}
				look(0, 0)
			}
			b.ReportMetric(float64(peak-before)/(1<<20), "live-MB")
			b.ReportMetric(float64(len(f.data))/(1<<20), "file-MB")
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
