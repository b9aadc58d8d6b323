DO $$
BEGIN
  IF EXISTS (SELECT 1 FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = 'cache' AND column_name = 'value') THEN
    ALTER TABLE cache RENAME COLUMN value TO content;
  ELSE
    ALTER TABLE cache ADD COLUMN content jsonb;
  END IF;
END $$;
