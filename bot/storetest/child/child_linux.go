package child

import "syscall"

// endWithParent has the system kill a child once the thread that started it has ended.
func endWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
