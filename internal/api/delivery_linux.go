package api

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// tcpClose is the state of a connection that was reset (tcp(7), TCP_CLOSE). One
// whose client has only said that it will send no more is in another.
const tcpClose = 7

// look asks the system about a connection. One that cannot be asked about, as
// in a test without a network, counts as at rest.
func look(c net.Conn) (s sending) {
	connection, ok := socket(c).(syscall.Conn)
	if !ok {
		return s
	}
	raw, err := connection.SyscallConn()
	if err != nil {
		return sending{broken: true}
	}
	var asked error
	err = raw.Control(func(fd uintptr) { s, asked = ask(int(fd)) })
	if err != nil || asked != nil {
		return sending{broken: true}
	}
	return s
}

func ask(fd int) (s sending, err error) {
	if s.unacknowledged, err = unix.IoctlGetInt(fd, unix.SIOCOUTQ); err != nil {
		return s, err
	}
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return s, err
	}
	s.broken = info.State == tcpClose
	return s, nil
}
