package intake_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/unicode"

	"aeobot/knowledge"
	"aeobot/knowledge/intake"
)

// workbook makes an .xlsx of rows, then lets more be done to it.
func workbook(t testing.TB, rows [][]string, more func(*excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for i, r := range rows {
		cells := make([]any, len(r))
		for j, c := range r {
			cells[j] = c
		}
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &cells); err != nil {
			t.Fatal(err)
		}
	}
	if more != nil {
		more(f)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// patched changes the text of one part of an archive.
func patched(t testing.TB, data []byte, part, old, now string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	parts := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		must(t, err)
		text, err := io.ReadAll(r)
		must(t, err)
		parts[f.Name] = string(text)
	}
	if !strings.Contains(parts[part], old) {
		t.Fatalf("%s has no %q: %s", part, old, parts[part])
	}
	parts[part] = strings.Replace(parts[part], old, now, 1)
	return zipped(t, parts)
}

// must stops a set-up that failed.
func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

var fullHeader = []string{"节", "编号", "原文", "问法", "关键词", "易混", "状态", "生效日期", "失效日期", "备注"}

func TestExcelTables(t *testing.T) {
	template, err := intake.Template()
	must(t, err)
	plain := partsOf(t, workbook(t, [][]string{{"节", "原文"}, {"担保", "免除担保"}}, nil))
	tests := []struct {
		name string
		rows [][]string
		more func(*excelize.File)
		data []byte
	}{
		{name: "模板", data: template},
		{name: "说到宏而没有宏", data: zipped(t, with(plain, "[Content_Types].xml", vbaTypes(plain)))},
		{name: "全部列", rows: [][]string{fullHeader,
			{"担保", "1", "可向海关申请免除担保", "能免除担保吗\n担保可以不交吗；免担保怎么办", "免担保、保证金", "银行担保=那是融资", "现行", "2026-04-01", "", "以当地海关答复为准。"},
			{"", "2", "减少担保金额", "", "", "", "已废止", "2026/1/1", "", ""},
			{"查验", "3", "较低查验率", "查验少吗", "", "商检＝另一个部门；抽检=市场监管", "regional", "", "2027年3月31日", ""}}},
		{name: "客服问答", rows: [][]string{{"序号", "问题", "答案", "分类"}, {"1", "认证要多久？", "一般不超过90日。", "认证"}, {"2", "认证收费吗？", "不收费。", "认证"}, {"3", "能优先查验吗？", "能。", "通关"}}},
		{name: "两列", rows: [][]string{{"AEO 常见问题"}, nil, {"问", "答"}, {"什么是 AEO？", "经认证的经营者。"}, {"怎么申请？", "向注册地海关提交申请。\n随附自评报告。"}}},
		{name: "合并单元格", rows: [][]string{{"AEO 问答（2026版）"}, {"类别", "常见问法", "标准答案", "关键词"}, {"通关", "能优先吗", "可以优先查验。", "优先"}, {"", "查验会快吗", ""}, {"", "有专窗吗", "设有专用窗口。"}, {"担保", "要交担保吗", "可申请免除。"}},
			more: func(f *excelize.File) {
				must(t, f.MergeCell("Sheet1", "A1", "D1"), f.MergeCell("Sheet1", "A3", "A5"), f.MergeCell("Sheet1", "C3", "C4"))
			}},
		{name: "日期和数字", rows: [][]string{{"原文", "节", "生效日期", "失效日期", "编号"}},
			more: func(f *excelize.File) {
				day, err := f.NewStyle(&excelize.Style{NumFmt: 14})
				han := "yyyy\"年\"m\"月\"d\"日\""
				long, err2 := f.NewStyle(&excelize.Style{CustomNumFmt: &han})
				must(t, err, err2)
				for i, v := range []any{"甲措施", "节", 46113, 46477.0, 1} {
					cell, _ := excelize.CoordinatesToCellName(i+1, 2)
					must(t, f.SetCellValue("Sheet1", cell, v))
				}
				must(t, f.SetCellStyle("Sheet1", "C2", "C2", day), f.SetCellStyle("Sheet1", "D2", "D2", long))
				must(t, f.SetSheetRow("Sheet1", "A3", &[]any{"乙措施", "节", 46113, "", 3.0}))
			}},
		{name: "公式", data: patched(t, workbook(t, [][]string{{"节", "原文", "问法"}, {"担保", "x", "能免吗"}}, nil), "xl/worksheets/sheet1.xml",
			`<c r="B2" t="s"><v>4</v></c>`, `<c r="B2" t="str"><f>"可免"&amp;"除担保"</f><v>可免除担保</v></c>`)},
		{name: "节占一行", rows: [][]string{{"章节", "序号", "内容"}, {"一、通关便利"}, {"", "1", "优先查验"}, {"", "2", "优先放行"}, {"二、担保便利"}, {"", "1", "免除担保"}}},
		{name: "表头靠下列乱序", rows: [][]string{{"填报单位：某某海关"}, {"填表说明：每行一条"}, {"备注（给企业看）", "答复*", "负责人", "问题", "所属类别"}, {"", "可以。", "张三", "能预约通关吗", "通关"}, {"仅限工作日", "十二小时以内。", "李四", "多久放行", "通关"}}},
		{name: "第二张表", rows: [][]string{{"封面"}, {"某某海关编"}},
			more: func(f *excelize.File) {
				_, err := f.NewSheet("通关问答")
				_, err2 := f.NewSheet("旧表")
				must(t, err, err2, f.SetSheetRow("通关问答", "A1", &[]any{"问法", "原文"}), f.SetSheetRow("通关问答", "A2", &[]any{"有专窗吗", "有专用窗口"}),
					f.SetSheetRow("旧表", "A1", &[]any{"问法", "原文"}), f.SetSheetRow("旧表", "A2", &[]any{"旧问法", "旧原文"}))
			}},
		{name: "隐藏的", rows: [][]string{{"内部用的表头"}, {"节", "原文", "问法", "内部意见"}, {"担保", "免除担保", "能免担保吗", "勿外传"}, {"担保", "已作废的", "作废了吗", ""}, {"担保", "减少担保", "能少交吗", "未核"}},
			more: func(f *excelize.File) {
				_, err := f.NewSheet("底稿")
				must(t, err, f.SetSheetRow("底稿", "A1", &[]any{"问法", "原文"}), f.SetSheetRow("底稿", "A2", &[]any{"旧问法", "旧原文"}),
					f.SetSheetVisible("底稿", false), f.SetRowVisible("Sheet1", 1, false), f.SetRowVisible("Sheet1", 4, false), f.SetColVisible("Sheet1", "D", false))
			}},
		{name: "特殊的字", rows: [][]string{{"节", "原文"}, {"# 井号", "1、看着像编号"}, {"# 井号", "# 看着像标题"}, {"“引号”: 冒号", "- 看着像列表\n> 引用\n```\n代码"}, {"“引号”: 冒号", "=1+1 是公式的样子"}, {"yes", "null"}, {"2026-01-07", "2026-01-07"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := tt.data
			if data == nil {
				data = workbook(t, tt.rows, tt.more)
			}
			golden(t, "xlsx-"+tt.name, outline(imported(t, tt.name+".xlsx", data)))
		})
	}
}

func TestCSVTables(t *testing.T) {
	template, err := intake.TemplateCSV()
	must(t, err)
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("问题\t答案\r\n能免吗\t可以免除担保。\r\n")
	must(t, err)
	const faqText = "节,编号,原文,问法\n担保,1,可申请免除担保,能免吗\n担保,2,减少担保,能少交吗\n"
	tests := []struct{ name, data string }{
		{"模板", string(template)},
		{"UTF8", faqText},
		{"UTF8带BOM", "\uFEFF" + faqText},
		{"GB18030", string(gb18030(t, faqText))},
		{"分号", strings.ReplaceAll(faqText, ",", ";")},
		{"制表符", strings.ReplaceAll(faqText, ",", "\t")},
		{"Excel的Unicode文本", utf16},
		{"sep提示", "sep=;\r\n问题;答案\r\n能免吗;可以，免除；\r\n"},
		{"引号和换行", "问题,答案,备注\r\n\"能免吗\n可以不交吗\",\"可以，\"\"免除\"\"担保。\n另见公告。\",\r\n\r\n怎么办,向海关申请,\"仅限高级认证企业,下同\"\r\n"},
		{"标题行和空行", "AEO 问答,,\n,,\n问法,标准答案,标签\n有专窗吗,有,专窗|窗口\n,,\n能预约吗,能,预约\n"},
		{"导出的表", "序号,类别,问题,答案,状态,施行日期,截止日期\n1,通关,快吗,优先放行,有效,20260401,\n2,通关,查吗,较低查验率,尚未核实,,2026.12.31\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			golden(t, "csv-"+tt.name, outline(imported(t, tt.name+".csv", []byte(tt.data))))
		})
	}
}

// TestProblemsOfRows: each names its row, its column and the mend, and nothing is to be
// stored.
func TestProblemsOfRows(t *testing.T) {
	good := []string{"担保", "", "可申请免除担保"}
	row := func(over map[int]string) []string {
		r := make([]string, len(fullHeader))
		copy(r, good)
		for i, v := range over {
			r[i] = v
		}
		return r
	}
	tests := []struct {
		name string
		row  []string
		want string
	}{
		{"date", row(map[int]string{7: "2026-02-30"}), "第 17 行“生效日期”列：“2026-02-30”不是日期；改法：写成 2026-04-01 这样"},
		{"date in words", row(map[int]string{8: "长期"}), "第 17 行“失效日期”列：“长期”不是日期；改法：写成 2026-04-01 这样"},
		{"end before start", row(map[int]string{7: "2026-04-01", 8: "2026-03-01"}), "第 17 行“失效日期”列：失效日期 2026-03-01 早于生效日期 2026-04-01；改法：改正其中一个日期"},
		{"number twice", row(map[int]string{1: "3"}), "第 17 行“编号”列：“担保”里编号 3 和第 4 行重复；改法：改正其中一个编号"},
		{"no number", row(map[int]string{1: "1.2"}), "第 17 行“编号”列：“1.2”不是编号；改法：写成 1、2、3 这样的整数，或留空"},
		{"zero", row(map[int]string{1: "0"}), "第 17 行“编号”列：“0”不是编号；改法：写成 1、2、3 这样的整数，或留空"},
		{"no text", row(map[int]string{2: "", 3: "能免吗"}), "第 17 行“原文”列：没有写原文；改法：填上要引用的话，或删去这一行"},
		{"text too long", row(map[int]string{2: strings.Repeat("长", 10_001)}), "第 17 行“原文”列：有 10001 字，超过 10000 字；改法：分成几条"},
		{"way to ask too long", row(map[int]string{3: strings.Repeat("问", 301)}), "第 17 行“问法”列：“问问问问问问问问问问问问问问问问问问问问…”有 301 字，超过 300 字；改法：写短一些，或用换行隔开"},
		{"look-alike without a reason", row(map[int]string{5: "银行担保"}), "第 17 行“易混”列：“银行担保”没有写明为什么；改法：写成“词=为什么”，例如 银行担保=那是融资"},
		{"status", row(map[int]string{6: "好的"}), "第 17 行“状态”列：“好的”不是状态；改法：写成现行、内容已变、已被取代、各地不同或尚未核实"},
		{"heading too long", row(map[int]string{0: strings.Repeat("节", 101)}), "第 17 行“节”列：标题有 101 字，超过 100 字；改法：标题写短一些，内容写到“原文”列"},
		{"note too long", row(map[int]string{9: strings.Repeat("注", 301)}), "第 17 行“备注”列：有 301 字，超过 300 字；改法：写短一些，一两句就够"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rows := [][]string{fullHeader}
			for len(rows) < 16 {
				rows = append(rows, good)
			}
			rows = append(rows, tt.row)
			var table bytes.Buffer
			w := csv.NewWriter(&table)
			must(t, w.WriteAll(rows))
			for name, data := range map[string][]byte{"a.xlsx": workbook(t, rows, nil), "a.csv": table.Bytes()} {
				in, err := intake.Read(t.Context(), name, data, intake.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if len(in.Problems) == 0 || in.Problems[0].String() != tt.want || in.Files != nil {
					t.Errorf("%s: got %v and %d files, want %q and none", name, in.Problems, len(in.Files), tt.want)
				}
			}
		})
	}
}

// TestAllProblemsOfARow: who mends a row mends it once.
func TestAllProblemsOfARow(t *testing.T) {
	rows := [][]string{fullHeader, {"担保", "x", strings.Repeat("长", 10_001), strings.Repeat("问", 301), "", "银行担保", "好的", "明天", "长期", strings.Repeat("注", 301)}}
	in, err := intake.Read(t.Context(), "a.xlsx", workbook(t, rows, nil), intake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, p := range in.Problems {
		got[p.Column] = true
	}
	for _, column := range []string{"编号", "原文", "问法", "易混", "状态", "生效日期", "失效日期", "备注"} {
		if !got[column] {
			t.Errorf("nothing is said of %s: %v", column, in.Problems)
		}
	}
}

func TestManyProblemsAreCounted(t *testing.T) {
	rows := [][]string{{"原文", "问法", "状态"}}
	for range 300 {
		rows = append(rows, []string{"甲", "", "不知道"})
	}
	in, err := intake.Read(t.Context(), "a.xlsx", workbook(t, rows, nil), intake.Options{})
	if err != nil || len(in.Problems) != 201 || !strings.Contains(in.Problems[200].Message, "另有 100 处") {
		t.Errorf("got %d problems, %v", len(in.Problems), err)
	}
}

func TestNumbersBeyondWhatTextReads(t *testing.T) {
	rows := [][]string{{"节", "编号", "原文"}, {"甲", "999", "一"}, {"甲", "", "二"}, {"甲", "20000", "1. 三"}}
	in := imported(t, "a.xlsx", workbook(t, rows, nil))
	var got []int
	for _, m := range in.Document.Sections[0].Measures {
		got = append(got, m.Number)
	}
	if fmt.Sprint(got) != "[999 1000 20000]" || in.Document.Sections[0].Measures[2].Text != "1. 三" {
		t.Errorf("got %v, %q", got, in.Document.Sections[0].Measures[2].Text)
	}
}

// TestHeadingsThatOnlyDifferInTheirNumber would share their notes.
func TestHeadingsThatOnlyDifferInTheirNumber(t *testing.T) {
	rows := [][]string{{"节", "原文", "问法"}, {"一、担保", "甲", "问甲"}, {"二、担保", "乙", "问乙"}}
	in, err := intake.Read(t.Context(), "a.xlsx", workbook(t, rows, nil), intake.Options{})
	if err != nil || len(in.Problems) != 1 || in.Problems[0].Row != 3 || in.Files != nil {
		t.Errorf("got %v, %v", in.Problems, err)
	}
}

func TestProgressAndCancel(t *testing.T) {
	rows := [][]string{{"节", "原文"}}
	for i := range 3000 {
		rows = append(rows, []string{"节", fmt.Sprint("措施", i)})
	}
	data := workbook(t, rows, nil)
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	_, err := intake.Read(ctx, "a.xlsx", data, intake.Options{Progress: func(done, _ int) {
		if told = done; done > 1000 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || told > 1500 {
		t.Errorf("cancelled after %d rows: got %v", told, err)
	}
	if in := imported(t, "a.xlsx", data); in.Counts.Measures != 3000 || in.Counts.Rows != 3000 {
		t.Errorf("counts: got %+v", in.Counts)
	}
}

// TestNotesCanBeAddedToLater: every measure has its entry in the notes, which lint finds
// nothing wrong with.
func TestNotesCanBeAddedToLater(t *testing.T) {
	in := imported(t, "问答.xlsx", workbook(t, [][]string{{"节", "原文", "问法"}, {"甲", "一", ""}, {"甲", "二", "问二"}}, nil))
	notes := string(in.Files["问答"+knowledge.NotesSuffix])
	if strings.Count(notes, "number:") != 2 || !strings.Contains(notes, in.Document.SHA256) || len(in.Document.Findings) > 0 {
		t.Errorf("notes:\n%s\nfindings %v", notes, in.Document.Findings)
	}
}
