package aibot

// class is what is done about a frame that the platform refuses.
type class string

// The zero class, of a code that is not in the table, is treated as classApart: an answer
// is given up only when no way is left to say it.
const (
	classUnknown   class = "unknown"
	classAgain     class = "again"     // the platform has a bad moment: the same again
	classWait      class = "wait"      // too many: the same again after a while
	classReconnect class = "reconnect" // not logged in any more: again on another connection
	classApart     class = "apart"     // this request or stream is over: by response_url, or as a push
	classMarkdown  class = "markdown"  // this form is not taken: as plain Markdown

	// givenUp is what Refused is told instead when no way was left.
	givenUp = "given_up"
)

// Error codes of the platform (page 101463, the official SDK, and what others saw of the
// live gateway, as read in November 2026).
const (
	codeBusy          = -1
	codeRateLimited   = 45009
	codeRefused       = 853000 // wrong bot id or secret
	codeBadRequestID  = 846605 // of an event, too old, or of another connection
	codeStreamTooOld  = 846608
	codeNotSubscribed = 846609
)

// classes is the whole table. A code that is not in it is classUnknown.
var classes = map[int]class{
	codeBusy:          classAgain,
	846601:            classAgain,
	846602:            classAgain,
	codeRateLimited:   classWait,
	45033:             classWait, // too many at once
	codeNotSubscribed: classReconnect,
	846604:            classApart, // the time to answer this request is over
	codeBadRequestID:  classApart,
	codeStreamTooOld:  classApart,
	600039:            classMarkdown, // the asker's client cannot show a stream
	40008:             classMarkdown, // this type is not accepted
	40058:             classMarkdown, // these fields are not accepted
}

func classOf(code int) class {
	if c, known := classes[code]; known {
		return c
	}
	return classUnknown
}
