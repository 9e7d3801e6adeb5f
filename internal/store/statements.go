package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"

	sqlitedriver "modernc.org/sqlite"
)

// maxStatements is how many prepared statements a connection keeps.
const maxStatements = 128

// openSQLite opens a pool of connections. With keep, each connection keeps the
// statements that it has prepared: SQLite needs about as long to parse one as to
// run it. SQLite prepares a kept statement again by itself when the tables have
// changed.
func openSQLite(dsn string, keep bool) (*sql.DB, error) {
	connector, err := sqlitedriver.NewConnector(dsn)
	if err != nil {
		return nil, fmt.Errorf("read the options of the database: %w", err)
	}
	if keep {
		connector = keeping{connector}
	}
	return sql.OpenDB(connector), nil
}

// keeping makes connections that keep statements.
type keeping struct{ driver.Connector }

// Connect opens a connection.
func (k keeping) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := k.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn, ok := c.(sqliteConn)
	if !ok {
		return nil, fmt.Errorf("the SQLite driver's %T lacks methods", c)
	}
	return &keepingConn{sqliteConn: conn, idle: map[string]sqliteStmt{}}, nil
}

// sqliteConn is what the driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// sqliteStmt is what the driver's statements can do.
type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// keepingConn is a connection with its statements that are not in use. Like
// every driver.Conn it is used by one goroutine at a time.
type keepingConn struct {
	sqliteConn
	idle map[string]sqliteStmt // by text
}

// Unwrap gives the connection of the driver.
func (c *keepingConn) Unwrap() driver.Conn { return c.sqliteConn }

// Close closes the statements, too.
func (c *keepingConn) Close() error {
	for text, s := range c.idle {
		s.Close() // what the connection's own Close says counts
		delete(c.idle, text)
	}
	return c.sqliteConn.Close()
}

// take gives a statement for a text to the caller alone: the same text can be in
// use twice, by rows within rows.
func (c *keepingConn) take(ctx context.Context, text string) (sqliteStmt, error) {
	if s, ok := c.idle[text]; ok {
		delete(c.idle, text)
		return s, nil
	}
	s, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.(sqliteStmt), nil
}

// give takes a statement back that has done its work. When there are too many, one
// makes room. To close one says nothing of the work: its error is no fault of it.
func (c *keepingConn) give(text string, s sqliteStmt) {
	if _, ok := c.idle[text]; ok {
		s.Close()
		return
	}
	if len(c.idle) >= maxStatements {
		for other, idle := range c.idle {
			delete(c.idle, other)
			idle.Close()
			break
		}
	}
	c.idle[text] = s
}

// ExecContext runs a statement. One that failed is not kept.
func (c *keepingConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	s, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	r, err := s.ExecContext(ctx, args)
	if err != nil {
		s.Close() // says the same
		return nil, err
	}
	c.give(text, s)
	return r, nil
}

// QueryContext runs a statement that gives rows, which give it back when they
// are closed.
func (c *keepingConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := c.take(ctx, text)
	if err != nil {
		return nil, err
	}
	r, err := s.QueryContext(ctx, args)
	if err != nil {
		s.Close() // says the same
		return nil, err
	}
	return &keepingRows{Rows: r, conn: c, text: text, stmt: s}, nil
}

// keepingRows are rows of a statement that is kept.
type keepingRows struct {
	driver.Rows
	conn *keepingConn
	text string
	stmt sqliteStmt // nil once it was given back
}

// Close gives the statement back.
func (r *keepingRows) Close() error {
	err := r.Rows.Close()
	if r.stmt == nil {
		return err
	}
	s := r.stmt
	r.stmt = nil
	if err != nil {
		s.Close() // says the same
		return err
	}
	r.conn.give(r.text, s)
	return nil
}
