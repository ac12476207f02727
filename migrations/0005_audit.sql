-- What accounts did besides editing records (signing in, closing sessions, changing accounts) stands among the edits of
-- records, in the order of the stream: one list of what admins did.

ALTER TABLE directory_edits ADD COLUMN detail text;
