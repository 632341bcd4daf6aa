"""Operations research over arrays: knows no cloud and no money words."""
