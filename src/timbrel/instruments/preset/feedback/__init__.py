"""What listeners say of matches, kept, and heeded the next time.

judgement      one rating or correction
store          all of them, in a database
feedback_file  the database's file, which is not trusted
taste          what they say of a sound that was not rated
asking         which match is most worth a rating
"""
