Module Program
End Module
