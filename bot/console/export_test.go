package console

import "time"

func init() { requestTime = 5 * time.Minute }
